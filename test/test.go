// Package test holds what checks the whole: engines, end to end, chaos, bench.
package test

// Package tools holds no code: its module pins the commands that build and check the project.
package tools

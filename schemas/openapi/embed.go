// Package openapi holds the contracts of the services' interfaces: one OpenAPI
// 3.0.3 document each, and common.yaml with what they share. platform/httpx
// checks every request against them.
package openapi

import "embed"

// Files has every contract as NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS

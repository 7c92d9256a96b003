package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

// printJSON writes v for scripts: one indented JSON value on standard output.
func printJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

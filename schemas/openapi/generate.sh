#!/usr/bin/env bash
# Makes the Go and TypeScript types of every contract in this folder.
# Called by `go tool task generate`; CI fails where the result differs from what is committed.
set -euo pipefail
cd "$(dirname "$0")"
for contract in *.yaml; do
  name=${contract%.yaml}
  mkdir -p "../gen/${name}api"
  config=$(mktemp)
  cat > "$config" <<YAML
package: ${name}api
generate: { models: true }
output: ../gen/${name}api/types.gen.go
output-options:
  skip-prune: true
  prefer-skip-optional-pointer: true
  nullable-type: false
  prefer-skip-optional-pointer-with-omitzero: true
YAML
  if [ "$name" != common ]; then
    printf 'import-mapping:\n  common.yaml: varde.internal/schemas/gen/commonapi\n' >> "$config"
  fi
  go tool oapi-codegen -config "$config" "$contract"
  rm -f "$config"
done
if [ -x ../../ui/node_modules/.bin/openapi-typescript ] && [ "${1:-}" != --go ]; then
  mkdir -p ../../ui/src/api
  for contract in *.yaml; do
    ../../ui/node_modules/.bin/openapi-typescript "$contract" -o "../../ui/src/api/${contract%.yaml}.ts" > /dev/null
  done
fi

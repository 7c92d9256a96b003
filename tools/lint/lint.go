// Package lint holds no code: its module pins the linter, apart from the
// workspace, because its many dependencies would steer the versions of ours.
package lint

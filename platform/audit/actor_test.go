package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/schemas/topics"
)

func TestARecordNamesItsCallerByIDWithEachRoleOnce(t *testing.T) {
	t.Parallel()
	p := auth.Principal{Subject: "p1", Grants: []auth.Grant{
		{Role: auth.RoleEmployee}, {Role: auth.RoleSystemOwner, Unit: "a"}, {Role: auth.RoleSystemOwner, Unit: "b"},
	}}
	require.Equal(t, topics.Actor{Type: "person", ID: "p1", Roles: []string{"employee", "system-owner"}}, audit.ActorOf(p))
	require.Equal(t, topics.Actor{Type: "service", ID: "search"}, audit.ActorOf(auth.Principal{Subject: "search", Service: true}))
}

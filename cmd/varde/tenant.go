package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"varde.internal/cmd/installation"
	"varde.internal/platform/config"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	"varde.internal/services/identity"
)

func tenantCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tenant", Short: "The municipalities of the installation"}
	cmd.AddCommand(tenantAddCommand())
	return cmd
}

// newTenant are the flags of `varde tenant add`.
type newTenant struct {
	name, domain, prefix, orgNumber, hostedBy, admin, passwordFile string
	host                                                           bool
}

func tenantAddCommand() *cobra.Command {
	var s settings
	var n newTenant
	cmd := &cobra.Command{
		Use:   "add ID",
		Short: "Add a municipality with its first administrator",
		Long: `Add a municipality with one unit and its first administrator, who adds the rest
in the interface. ID is short and stays: small letters, digits and hyphens. The
administrator signs in as ADMIN@DOMAIN and must choose a new password then. What
is there already stays as it is.

On embedded engines the installation must be stopped meanwhile. Prints as JSON
how many things were made.`,
		Example: `  varde tenant add bjorkvag --name "Bjørkvåg kommune" --domain bjorkvag.example --prefix BJ \
    --admin admin --password-file /run/first-password`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seed, err := n.seed(tenant.ID(args[0]))
			if err != nil {
				return exitError{2, err}
			}
			c, err := s.load()
			if err != nil {
				return err
			}
			in, err := installation.OpenEngines(cmd.Context(), c, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // what was made is stored by now
			deps := in.Deps("identity")
			people, err := identity.NewService(identity.Deps{Log: deps.Log, Clock: deps.Clock, Docs: deps.Docs, Audit: deps.Audit, Secret: deps.Secret}, in.Identity())
			if err != nil {
				return err
			}
			if err := people.Open(cmd.Context()); err != nil {
				return err
			}
			made, err := people.Import(cmd.Context(), seed)
			if err != nil {
				return err
			}
			return printJSON(cmd, map[string]any{"tenant": args[0], "made": made, "signIn": n.admin + "@" + n.domain})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&n.name, "name", "", "its name, such as \"Bjørkvåg kommune\"")
	cmd.Flags().StringVar(&n.domain, "domain", "", "what follows the @ of sign-in names")
	cmd.Flags().StringVar(&n.prefix, "prefix", "", "what case numbers begin with")
	cmd.Flags().StringVar(&n.orgNumber, "org-number", "", "organisation number")
	cmd.Flags().BoolVar(&n.host, "host", false, "it is the IT host of others")
	cmd.Flags().StringVar(&n.hostedBy, "hosted-by", "", "ID of its IT host")
	cmd.Flags().StringVar(&n.admin, "admin", "admin", "the administrator's sign-in name before the @")
	cmd.Flags().StringVar(&n.passwordFile, "password-file", "", "file with the administrator's first password, at least 12 characters")
	return cmd
}

func (n newTenant) seed(id tenant.ID) (seed identity.Seed, err error) {
	for flag, value := range map[string]string{"name": n.name, "domain": n.domain, "prefix": n.prefix, "admin": n.admin, "password-file": n.passwordFile} {
		if value == "" {
			return seed, fmt.Errorf("--%s is needed", flag)
		}
	}
	if !id.Valid() {
		return seed, fmt.Errorf("%q cannot be the id of a tenant", id)
	}
	text, err := os.ReadFile(n.passwordFile)
	if err != nil {
		return seed, err
	}
	password := firstLine(text)
	if len([]rune(password)) < 12 {
		return seed, fmt.Errorf("the password needs at least 12 characters")
	}
	return identity.Seed{Tenants: []identity.SeedTenant{{
		ID: id, Domain: n.domain,
		Tenant: topics.Tenant{Name: n.name, OrgNumber: n.orgNumber, CasePrefix: n.prefix, Host: n.host, HostedBy: n.hostedBy},
		Units:  []identity.SeedUnit{{Key: "top", Name: n.name}},
		Persons: []identity.SeedPerson{{
			Key: "administrator", Person: topics.Person{Name: "Administrator", UnitID: "top", Roles: []topics.RoleGrant{{Role: "administrator"}}},
			Account: &identity.SeedAccount{Name: n.admin, Password: config.Secret(password)},
		}},
	}}}, nil
}

package http

import (
	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/services/identity"
)

func (h handlers) tenant(c *fiber.Ctx) error {
	t, err := h.s.Tenant(c.UserContext())
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, encodeTenant(t))
}

func (h handlers) listUnits(c *fiber.Ctx) error {
	all, err := h.s.Units(c.UserContext())
	if err != nil {
		return err
	}
	items := make([]identityapi.Unit, 0, len(all))
	for _, u := range all {
		items = append(items, encodeUnit(u))
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.UnitList{Items: items})
}

func (h handlers) createUnit(c *fiber.Ctx) error { return h.saveUnit(c, "", fiber.StatusCreated) }
func (h handlers) updateUnit(c *fiber.Ctx) error {
	return h.saveUnit(c, c.Params("unitId"), fiber.StatusOK)
}

func (h handlers) saveUnit(c *fiber.Ctx, unit string, status int) error {
	in, err := httpx.Body[identityapi.UnitEdit](c)
	if err != nil {
		return err
	}
	u, err := h.s.SaveUnit(c.UserContext(), unit, identity.UnitEdit{Name: in.Name, Parent: in.Parent, Manager: in.Manager})
	if err != nil {
		return err
	}
	return httpx.JSON(c, status, encodeUnit(u))
}

func (h handlers) deleteUnit(c *fiber.Ctx) error {
	if err := h.s.DeleteUnit(c.UserContext(), c.Params("unitId")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) searchPersons(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.PersonSearch](c)
	if err != nil {
		return err
	}
	found, next, err := h.s.SearchPersons(c.UserContext(), identity.PersonQuery{
		Text: in.Text, UnitID: in.UnitId, Role: string(in.Role), IDs: in.Ids, IncludeLeft: in.IncludeLeft, Limit: in.Limit, After: in.After,
	})
	if err != nil {
		return err
	}
	items := make([]identityapi.Person, 0, len(found))
	for _, m := range found {
		items = append(items, encodePerson(m))
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.PersonList{Items: items, Next: next})
}

func (h handlers) getPerson(c *fiber.Ctx) error {
	m, err := h.s.Person(c.UserContext(), c.Params("personId"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, encodePerson(m))
}

func (h handlers) createPerson(c *fiber.Ctx) error { return h.savePerson(c, "", fiber.StatusCreated) }
func (h handlers) updatePerson(c *fiber.Ctx) error {
	return h.savePerson(c, c.Params("personId"), fiber.StatusOK)
}

func (h handlers) savePerson(c *fiber.Ctx, person string, status int) error {
	in, err := httpx.Body[identityapi.PersonEdit](c)
	if err != nil {
		return err
	}
	m, err := h.s.SavePerson(c.UserContext(), person, decodePerson(in))
	if err != nil {
		return err
	}
	return httpx.JSON(c, status, encodePerson(m))
}

func (h handlers) getAccount(c *fiber.Ctx) error {
	a, err := h.s.AccountOf(c.UserContext(), c.Params("personId"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, encodeAccount(a))
}

func (h handlers) assignAccount(c *fiber.Ctx) error {
	// Disabled must be told apart from left out, which the generated type cannot.
	in, err := httpx.Body[struct {
		Name               string `json:"name"`
		Password           string `json:"password"`
		Disabled           *bool  `json:"disabled"`
		RemoveSecondFactor bool   `json:"removeSecondFactor"`
	}](c)
	if err != nil {
		return err
	}
	a, err := h.s.AssignAccount(c.UserContext(), c.Params("personId"), identity.AccountEdit{
		Name: in.Name, Password: in.Password, Disabled: in.Disabled, RemoveFactor: in.RemoveSecondFactor,
	})
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, encodeAccount(a))
}

func (h handlers) unlock(c *fiber.Ctx) error {
	if err := h.s.Unlock(c.UserContext(), c.Params("personId")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) signOutPerson(c *fiber.Ctx) error {
	if err := h.s.SignOutPerson(c.UserContext(), c.Params("personId")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

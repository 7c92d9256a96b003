package identity

import (
	"context"

	"varde.internal/schemas/gen/identityapi"
	identityhttp "varde.internal/services/identity/http"
)

// api is the use cases in the contract's types.
type api struct{ *Service }

var _ identityhttp.Identity = api{}

func (a api) ServiceToken(_ context.Context, in identityapi.ServiceTokenRequest) (identityapi.Token, error) {
	token, expires, err := a.Service.ServiceToken(in.Service, in.Secret, in.Audience)
	return identityapi.Token{Token: token, Expires: expires}, err
}

func (a api) SignIn(ctx context.Context, in identityapi.SignIn) (identityapi.OpenedSession, error) {
	o, err := a.Service.SignIn(ctx, in.Name, in.Password, in.Code)
	return identityapi.OpenedSession{Session: o.Secret, Expires: o.Expires, IdleSeconds: int(o.Idle.Seconds()), MustChangePassword: o.MustChange}, err
}

func (a api) SignOut(ctx context.Context, in identityapi.SessionSecret) error {
	return a.Service.SignOut(ctx, in.Session)
}

func (a api) Token(ctx context.Context, in identityapi.TokenRequest) (identityapi.Token, error) {
	token, expires, err := a.Service.Token(ctx, in.Session, in.Audience)
	return identityapi.Token{Token: token, Expires: expires}, err
}

func (a api) Me(ctx context.Context) (identityapi.Me, error) {
	me, err := a.Service.Me(ctx)
	if err != nil {
		return identityapi.Me{}, err
	}
	return encodeMe(me), nil
}

func (a api) StepUp(ctx context.Context, in identityapi.StepUpRequest) (identityapi.StepUp, error) {
	at, until, err := a.Service.StepUp(ctx, in.Action, in.Password, in.Code)
	return identityapi.StepUp{Action: in.Action, At: at, Expires: until}, err
}

func (a api) ChangePassword(ctx context.Context, in identityapi.PasswordChange) error {
	return a.Service.ChangePassword(ctx, in.Current, in.New)
}

func (a api) BeginFactor(ctx context.Context, in identityapi.PasswordProof) (identityapi.SecondFactorSetup, error) {
	secret, uri, err := a.Service.BeginFactor(ctx, in.Password)
	return identityapi.SecondFactorSetup{Secret: secret, Uri: uri}, err
}

func (a api) ConfirmFactor(ctx context.Context, in identityapi.CodeProof) error {
	return a.Service.ConfirmFactor(ctx, in.Code)
}

func (a api) RemoveFactor(ctx context.Context, in identityapi.FullProof) error {
	return a.Service.RemoveFactor(ctx, in.Password, in.Code)
}

func (a api) SetAbsence(ctx context.Context, in identityapi.Absence) error {
	return a.Service.SetAbsence(ctx, decodePeriods(in.Absences), in.Delegate)
}

func (a api) SetLanguage(ctx context.Context, in identityapi.LanguageChoice) error {
	return a.Service.SetLanguage(ctx, string(in.Language))
}

func (a api) Tenant(ctx context.Context) (identityapi.Tenant, error) {
	t, err := a.Service.Tenant(ctx)
	if err != nil {
		return identityapi.Tenant{}, err
	}
	return encodeTenant(t), nil
}

func (a api) Units(ctx context.Context) (identityapi.UnitList, error) {
	all, err := a.Service.Units(ctx)
	return identityapi.UnitList{Items: each(all, encodeUnit)}, err
}

func (a api) SaveUnit(ctx context.Context, unitID string, in identityapi.UnitEdit) (identityapi.Unit, error) {
	u, err := a.Service.SaveUnit(ctx, unitID, UnitEdit{Name: in.Name, Parent: in.Parent, Manager: in.Manager})
	if err != nil {
		return identityapi.Unit{}, err
	}
	return encodeUnit(u), nil
}

func (a api) SearchPersons(ctx context.Context, in identityapi.PersonSearch) (identityapi.PersonList, error) {
	found, next, err := a.Service.SearchPersons(ctx, PersonQuery{
		Text: in.Text, UnitID: in.UnitId, Role: string(in.Role), IDs: in.Ids, IncludeLeft: in.IncludeLeft, Limit: in.Limit, After: in.After,
	})
	return identityapi.PersonList{Items: each(found, encodePerson), Next: next}, err
}

func (a api) Person(ctx context.Context, personID string) (identityapi.Person, error) {
	m, err := a.Service.Person(ctx, personID)
	if err != nil {
		return identityapi.Person{}, err
	}
	return encodePerson(m), nil
}

func (a api) SavePerson(ctx context.Context, personID string, in identityapi.PersonEdit) (identityapi.Person, error) {
	m, err := a.Service.SavePerson(ctx, personID, decodePerson(in))
	if err != nil {
		return identityapi.Person{}, err
	}
	return encodePerson(m), nil
}

func (a api) Account(ctx context.Context, personID string) (identityapi.Account, error) {
	v, err := a.AccountOf(ctx, personID)
	if err != nil {
		return identityapi.Account{}, err
	}
	return encodeAccount(v), nil
}

func (a api) AssignAccount(ctx context.Context, personID string, in identityhttp.AccountEdit) (identityapi.Account, error) {
	v, err := a.Service.AssignAccount(ctx, personID, AccountEdit{
		Name: in.Name, Password: in.Password, Disabled: in.Disabled, RemoveFactor: in.RemoveSecondFactor,
	})
	if err != nil {
		return identityapi.Account{}, err
	}
	return encodeAccount(v), nil
}

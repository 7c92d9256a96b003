package register_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/httpx/httpxtest"
)

func TestAnAccountIsRegisteredOnce_R31(t *testing.T) {
	t.Parallel()
	r := start(t)
	ark := r.make("systems", object{"name": "Arkivum", "unitId": "u1"})
	pay := r.make("systems", object{"name": "Lønn", "unitId": "u1"})
	aYearAgo, lastWeek := r.now.AddDate(-1, 0, 0), r.now.AddDate(0, 0, -7)
	first := r.make("accounts", object{"realm": "BØ", "name": "åse", "aliases": []string{"ase.b", "ase@bo.example"}, "systems": []string{ark}}, object{"validFrom": aYearAgo})
	r.make("accounts", object{"name": "left", "systems": []string{ark}}, object{"validFrom": aYearAgo, "validTo": lastWeek})
	on := func(systems ...string) []string { return systems }
	for what, c := range map[string]struct {
		account object
		more    object
		status  int
	}{
		"the same":                         {object{"realm": "BØ", "name": "åse", "systems": on(ark)}, nil, http.StatusConflict},
		"in capitals, decomposed":          {object{"realm": "bø", "name": "A\u030ASE", "systems": on(ark)}, nil, http.StatusConflict},
		"its alias as a name":              {object{"realm": "BØ", "name": "Ase.B", "systems": on(ark)}, nil, http.StatusConflict},
		"its name as an alias":             {object{"realm": "BØ", "name": "other", "aliases": on("ÅSE"), "systems": on(ark)}, nil, http.StatusConflict},
		"its name with the realm":          {object{"name": "other2", "aliases": on(`BØ\åse`), "systems": on(ark)}, nil, http.StatusConflict},
		"an address of both":               {object{"realm": "SO", "name": "other3", "aliases": on("ASE@BO.example"), "systems": on(ark)}, nil, http.StatusConflict},
		"on all systems":                   {object{"realm": "BØ", "name": "åse"}, nil, http.StatusConflict},
		"on one system too many":           {object{"realm": "BØ", "name": "åse", "systems": on(pay, ark)}, nil, http.StatusConflict},
		"on another system":                {object{"realm": "BØ", "name": "åse", "systems": on(pay)}, nil, http.StatusCreated},
		"in another realm":                 {object{"realm": "SO", "name": "åse", "systems": on(ark)}, nil, http.StatusCreated},
		"of another name":                  {object{"realm": "BØ", "name": "asa", "systems": on(ark)}, nil, http.StatusCreated},
		"before it was there":              {object{"realm": "BØ", "name": "åse", "systems": on(ark)}, object{"validFrom": aYearAgo.AddDate(-1, 0, 0), "validTo": aYearAgo}, http.StatusCreated},
		"into the time it is there":        {object{"realm": "BØ", "name": "ase.b", "systems": on(ark)}, object{"validFrom": aYearAgo.AddDate(-1, 0, 0), "validTo": aYearAgo.AddDate(0, 0, 1)}, http.StatusConflict},
		"while the one who left was there": {object{"name": "left", "systems": on(ark)}, object{"validFrom": lastWeek.AddDate(0, 0, -1)}, http.StatusConflict},
		"from when the one who left ended": {object{"name": "left", "systems": on(ark)}, object{"validFrom": lastWeek}, http.StatusCreated},
	} {
		body := object{"data": c.account}
		for k, v := range c.more {
			body[k] = v
		}
		res := r.call("POST", "/v1/accounts", r.officer(), body)
		require.Equal(t, c.status, res.Status, "%s: %s", what, res.Body)
		if c.status == http.StatusConflict {
			require.Equal(t, "account-exists", slug(res), what)
		}
	}
	other := r.make("accounts", object{"realm": "BØ", "name": "bjørg", "systems": []string{ark}})
	res := r.call("PUT", "/v1/accounts/"+other, r.officer(), object{"data": object{"realm": "BØ", "name": "Åse", "systems": []string{ark}}})
	require.Equal(t, http.StatusConflict, res.Status, "%s", res.Body)
	res = r.call("PUT", "/v1/accounts/"+first, r.officer(), object{"data": object{"realm": "BØ", "name": "Åse", "systems": []string{ark}, "flags": []string{"dual-login"}}})
	require.Equal(t, http.StatusOK, res.Status, "an account is no duplicate of itself: %s", res.Body)
}

func TestOfManyAtOnceOneAccountIsRegistered_R31(t *testing.T) {
	t.Parallel()
	r := start(t)
	token := r.officer()
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			res := httpxtest.Call(t, r.m.App(), "POST", "/v1/accounts", token, object{"data": object{"name": "kari"}})
			mu.Lock()
			defer mu.Unlock()
			got[res.Status]++
		})
	}
	all.Wait()
	require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: 7}, got)
}

package deviation

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

func general(t testing.TB) *Form {
	t.Helper()
	c, err := BuiltIn()
	require.NoError(t, err)
	f, ok := c.Find("general", 0)
	require.True(t, ok)
	return f
}

// calm are whole answers to the general form that give the lowest severity.
func calm(changes ...string) Answers {
	a := Answers{
		"about": "no", "whatHappened": "A screen stood unlocked.", "happened": "happened", "ongoing": "no", "category": "unlocked-pc",
		"personalData": "no", "seen": "no", "services": "no",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if a[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(a, changes[i])
		}
	}
	return a
}

func TestGuidedQuestionsGiveKindAndSeverity_R3(t *testing.T) {
	t.Parallel()
	f := general(t)
	tests := map[string]struct {
		answers        Answers
		kind, severity string
	}{
		"something happened":               {calm(), "event", topics.SeverityLow},
		"it could happen":                  {calm("happened", "could-happen", "seen", ""), "weakness", topics.SeverityLow},
		"an agreement is missing":          {calm("category", "missing-agreement"), "weakness", topics.SeverityLow},
		"somebody got at it":               {calm("seen", "yes"), "breach", topics.SeverityMedium},
		"it goes on":                       {calm("ongoing", "yes"), "event", topics.SeverityMedium},
		"a vendor was in (R5)":             {calm("category", "vendor-access"), "event", topics.SeverityMedium},
		"sensitive and maybe seen":         {calm("seen", "unsure", "personalData", "yes", "sensitive", "yes", "howMany", "one"), "event", topics.SeverityHigh},
		"sensitive, many, seen":            {calm("seen", "yes", "personalData", "yes", "sensitive", "yes", "howMany", "many"), "breach", topics.SeverityCritical},
		"services stopped":                 {calm("services", "stopped"), "event", topics.SeverityHigh},
		"services stopped and it goes on":  {calm("services", "stopped", "ongoing", "yes"), "event", topics.SeverityCritical},
		"personal data, nobody got at it":  {calm("personalData", "yes", "sensitive", "no", "howMany", "few"), "event", topics.SeverityMedium},
		"a wrong right is an event (R4)":   {calm("category", "wrong-rights"), "event", topics.SeverityLow},
		"hidden answers do not count":      {calm("happened", "could-happen", "seen", "yes"), "weakness", topics.SeverityLow},
		"hidden by what is hidden neither": {calm("personalData", "no", "sensitive", "yes", "howMany", "many", "seen", "yes"), "breach", topics.SeverityMedium},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			visible := f.Visible(test.answers)
			require.NoError(t, f.Check(visible))
			o := f.Judge(visible)
			require.Equal(t, test.kind, o.Kind)
			require.Equal(t, test.severity, o.Severity)
		})
	}
}

func TestTheFormAsksAboutTheManager_N1(t *testing.T) {
	t.Parallel()
	f := general(t)
	require.False(t, f.Judge(calm()).PassLine)
	require.True(t, f.Judge(calm("about", "manager")).PassLine)
	o := f.Judge(calm("about", "censurable"))
	require.True(t, o.PassLine)
	require.Equal(t, "whistleblowing", o.Notice)
}

func TestEveryCategoryOfR6IsOffered(t *testing.T) {
	t.Parallel()
	f := general(t)
	var offered []string
	for _, s := range f.Steps {
		for _, field := range s.Fields {
			if field.Name == "category" {
				for _, o := range field.Options {
					offered = append(offered, o.Value)
				}
			}
		}
	}
	require.Subset(t, offered, []string{"lent-password", "known-password", "borrowed-session", "unlocked-pc", "lost-media", "unapproved-tool",
		"missing-agreement", "missing-risk-assessment", "wrong-rights", "vendor-access", "misdelivery", "other"})
	for _, c := range offered {
		require.NoError(t, f.Check(f.Visible(calm("category", c))), "the schema takes what is offered")
	}
}

func TestWrongAnswersAreNamedFieldByField(t *testing.T) {
	t.Parallel()
	f := general(t)
	tests := map[string]struct {
		change func(Answers)
		want   map[string]string
	}{
		"a required one is missing":      {func(a Answers) { delete(a, "whatHappened") }, map[string]string{"/answers/whatHappened": "required"}},
		"asked for and not answered":     {func(a Answers) { delete(a, "services") }, map[string]string{"/answers/services": "required"}},
		"only spaces":                    {func(a Answers) { a["whatHappened"] = "     " }, map[string]string{"/answers/whatHappened": "required"}},
		"no choice of ours":              {func(a Answers) { a["ongoing"] = "perhaps" }, map[string]string{"/answers/ongoing": "not-a-choice"}},
		"a number for a text":            {func(a Answers) { a["whatHappened"] = 7.0 }, map[string]string{"/answers/whatHappened": "wrong-type"}},
		"too long":                       {func(a Answers) { a["where"] = strings.Repeat("x", 501) }, map[string]string{"/answers/where": "too-long"}},
		"a severity of one's own":        {func(a Answers) { a["severity"] = "low" }, map[string]string{"/answers": "unknown-field"}},
		"no time":                        {func(a Answers) { a["occurredAt"] = "yesterday" }, map[string]string{"/answers/occurredAt": "wrong-form"}},
		"several at once":                {func(a Answers) { delete(a, "about"); a["seen"] = "x" }, map[string]string{"/answers/about": "required", "/answers/seen": "not-a-choice"}},
		"a choice of several that is no": {func(a Answers) { a["affected"] = []any{"pupils", "robots"} }, map[string]string{"/answers/affected/1": "not-a-choice"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := maps.Clone(calm())
			test.change(a)
			var p *problem.Error
			require.True(t, errors.As(f.Check(f.Visible(a)), &p))
			got := map[string]string{}
			for _, field := range p.Fields {
				got[field.Pointer] = field.Slug
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestHiddenAnswersAreNotKept_R66(t *testing.T) {
	t.Parallel()
	f := general(t)
	a := f.Visible(calm("personalData", "no", "sensitive", "yes", "howMany", "many"))
	require.NotContains(t, a, "sensitive")
	require.NotContains(t, a, "howMany")
	require.Contains(t, f.Visible(calm("personalData", "unsure", "sensitive", "yes")), "sensitive")
}

func TestAFormThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	data, err := builtIn.ReadFile("forms/general.v1.json")
	require.NoError(t, err)
	for name, change := range map[string]func(m map[string]any){
		"a text is missing":      func(m map[string]any) { delete(m["texts"].(map[string]any)["nb"].(map[string]any), "what.title") },
		"a translation is":       func(m map[string]any) { delete(m["texts"].(map[string]any)["nn"].(map[string]any), "what.title") },
		"a field without schema": func(m map[string]any) { delete(m["schema"].(map[string]any)["properties"].(map[string]any), "done") },
		"a schema that is none":  func(m map[string]any) { m["schema"] = map[string]any{"type": 7} },
		"something nobody knows": func(m map[string]any) { m["script"] = "x" },
	} {
		var m map[string]any
		require.NoError(t, json.Unmarshal(data, &m))
		change(m)
		broken, err := json.Marshal(m)
		require.NoError(t, err)
		_, err = ReadForm(broken)
		require.Error(t, err, name)
	}
}

func TestReceiptCodesAreLongReadableAndForgiving(t *testing.T) {
	t.Parallel()
	key := []byte("k")
	code := Code(key, "bo", "submission")
	require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$`, code, "100 bits in groups")
	require.Equal(t, code, Code(key, "bo", "submission"), "sent again, the same receipt")
	require.NotEqual(t, code, Code(key, "lia", "submission"))
	plain, ok := ReadCode(code)
	require.True(t, ok)
	for _, typed := range []string{strings.ToLower(code), strings.ReplaceAll(code, "-", " "), " " + strings.ReplaceAll(code, "-", "") + "\n",
		strings.ReplaceAll(strings.ReplaceAll(code, "0", "o"), "1", "l")} {
		got, ok := ReadCode(typed)
		require.True(t, ok)
		require.Equal(t, plain, got)
	}
	for _, typed := range []string{"", "7Q4MX", code + "A", strings.Replace(code, code[:1], "!", 1)} {
		_, ok := ReadCode(typed)
		require.False(t, ok, typed)
	}
	require.NotContains(t, HashCode(key, "bo", plain), plain)
}

func TestASealedIdentityOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	key := []byte(strings.Repeat("k", 32))
	sealed, err := Seal(key, "bo", "report", Identity{Person: "somebody"})
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "somebody")
	who, err := Unseal(key, "bo", "report", sealed)
	require.NoError(t, err)
	require.Equal(t, "somebody", who.Person)
	again, err := Seal(key, "bo", "report", Identity{Person: "somebody"})
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "two reports of one person do not show as such")
	damaged := slices.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for name, open := range map[string]func() (Identity, error){
		"another report":       func() (Identity, error) { return Unseal(key, "bo", "other", sealed) },
		"another municipality": func() (Identity, error) { return Unseal(key, "lia", "report", sealed) },
		"another key":          func() (Identity, error) { return Unseal([]byte(strings.Repeat("x", 32)), "bo", "report", sealed) },
		"damaged":              func() (Identity, error) { return Unseal(key, "bo", "report", damaged) },
		"cut":                  func() (Identity, error) { return Unseal(key, "bo", "report", sealed[:5]) },
	} {
		_, err := open()
		require.ErrorIs(t, err, errSealed, name)
	}
}

package x500_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/x500"
)

// der is a name as a certificate holds it, each step with the attributes given as type and value in turn.
func der(t *testing.T, steps ...[]string) []byte {
	t.Helper()
	kinds := map[string]asn1.ObjectIdentifier{"C": {2, 5, 4, 6}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "CN": {2, 5, 4, 3}, "1.2.3": {1, 2, 3}}
	var seq pkix.RDNSequence
	for _, step := range steps {
		var set pkix.RelativeDistinguishedNameSET
		for i := 0; i < len(step); i += 2 {
			set = append(set, pkix.AttributeTypeAndValue{Type: kinds[step[i]], Value: step[i+1]})
		}
		seq = append(seq, set)
	}
	raw, err := asn1.Marshal(seq)
	require.NoError(t, err)
	return raw
}

func of(t *testing.T, steps ...[]string) x500.Name {
	t.Helper()
	n, err := x500.Of(der(t, steps...))
	require.NoError(t, err)
	return n
}

func TestParse(t *testing.T) {
	t.Parallel()
	acme := of(t, []string{"C", "GB"}, []string{"O", "Acme, Inc"}, []string{"CN", "app"})
	for name, text := range map[string]string{
		"one_line_RFC4514_2_1":           `CN=app,O=Acme\, Inc,C=GB`,
		"with_spaces_between":            `CN=app, O = Acme\, Inc , C=GB`,
		"lines_in_the_certificate_order": "C=GB\nO=Acme\\, Inc\nCN=app",
		"types_by_number_RFC4514_2_3":    `2.5.4.3=app,2.5.4.10=Acme\2C Inc,2.5.4.6=GB`,
		"types_in_any_case":              `cn=app,o=Acme\, Inc,c=GB`,
		"as_it_is_shown":                 acme.String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := x500.Parse(text)
			require.NoError(t, err)
			require.True(t, got.Equal(acme), "%v", got)
		})
	}

	t.Run("attributes_of_one_step_have_no_order", func(t *testing.T) {
		t.Parallel()
		two := of(t, []string{"O", "Acme", "CN", "app"})
		for _, text := range []string{"CN=app+O=Acme", "O=Acme + CN=app"} {
			got, err := x500.Parse(text)
			require.NoError(t, err)
			require.True(t, got.Equal(two), text)
		}
	})

	t.Run("what_values_may_hold_comes_back", func(t *testing.T) {
		t.Parallel()
		for _, value := range []string{" both ends ", "#1", `back\slash`, `"quoted"`, "a+b=c;<d>", "two\nlines", "Zoë ☃", "", "a  b"} {
			n := of(t, []string{"O", value}, []string{"1.2.3", value})
			got, err := x500.Parse(n.String())
			require.NoError(t, err, "%q", value)
			require.True(t, got.Equal(n), "%q: %s", value, n)
		}
	})

	for name, text := range map[string]string{
		"nothing": "", "no_type": "app", "an_empty_step": "CN=app,", "an_unknown_type": "XY=app", "a_value_in_quotes": `O="Acme"`, "hexadecimal": "CN=#0c03",
		"a_lone_backslash": `CN=app\`, "a_needless_backslash": `CN=\app`, "slashes": "/C=GB/CN=app", "a_number_with_a_leading_zero": "2.05.4.3=app", "no_number": "2..5=app", "bytes_that_are_no_text": `CN=\95`,
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			t.Parallel()
			_, err := x500.Parse(text)
			require.Error(t, err)
		})
	}
}

func TestName_Equal_look_alikes(t *testing.T) {
	t.Parallel()
	acme := of(t, []string{"O", "Acme"}, []string{"CN", "app"})
	for name, other := range map[string]x500.Name{
		"another_case":               of(t, []string{"O", "Acme"}, []string{"CN", "App"}),
		"a_letter_of_another_script": of(t, []string{"O", "Acme"}, []string{"CN", "аpp"}),
		"a_space_at_the_end":         of(t, []string{"O", "Acme"}, []string{"CN", "app "}),
		"a_zero_byte":                of(t, []string{"O", "Acme"}, []string{"CN", "app\x00.evil"}),
		"the_other_order":            of(t, []string{"CN", "app"}, []string{"O", "Acme"}),
		"one_step_more":              of(t, []string{"O", "Acme"}, []string{"OU", "x"}, []string{"CN", "app"}),
		"one_step_less":              of(t, []string{"CN", "app"}),
		"both_in_one_step":           of(t, []string{"O", "Acme", "CN", "app"}),
		"a_name_in_a_value":          of(t, []string{"O", "Acme\nCN=app"}),
		"the_values_swapped":         of(t, []string{"O", "app"}, []string{"CN", "Acme"}),
		"a_common_name_twice":        of(t, []string{"O", "Acme"}, []string{"CN", "app"}, []string{"CN", "app"}),
		"nobody":                     nil,
	} {
		require.False(t, acme.Equal(other), name)
		require.False(t, other.Equal(acme), name)
		require.NotEqual(t, acme.String(), other.String(), name)
	}
}

func TestOf_refuses(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"nothing": nil, "nonsense": {1, 2, 3}, "more_behind_it": append(der(t, []string{"CN", "app"}), 5, 0),
		"a_value_that_is_no_text": {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x02, 0x01, 0x05},
	} {
		_, err := x500.Of(raw)
		require.Error(t, err, name)
	}
}

// FuzzParse holds that what is read and shown reads as the same name again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`CN=app,O=Acme\, Inc`, "C=GB\nCN=app", `CN=\20a\20`, "CN=a+O=b", `1.2.3=\00`, "=", `CN=\,`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := x500.Parse(text)
		if err != nil {
			return
		}
		again, err := x500.Parse(n.String() + "\n" + n.String()) // in lines, whatever it was
		if err != nil {
			t.Fatalf("%q shows as %q: %v", text, n, err)
		}
		if !again.Equal(append(append(x500.Name{}, n...), n...)) {
			t.Fatalf("%q shows as %q, which is another name", text, n)
		}
	})
}

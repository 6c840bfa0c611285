// Package x500 spells the names of certificates' subjects, as they stand in certificates (RFC 5280 §4.1.2.6) and as people write them
// (RFC 4514), and tells whether two are the same. Standard library only.
package x500

import (
	"cmp"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a distinguished name, in the order of a certificate: from the root down. The zero Name is nobody's.
type Name []relative

// relative is one step of a name; it may have several attributes, whose order means nothing.
type relative []attribute

type attribute struct {
	kind  string // the object identifier, dotted
	value string
}

// short are the names of attribute types that are shown and read (RFC 4514 §3, RFC 4519 §2); others go by their number.
var short = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "GN", "2.5.4.43": "initials",
	"2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

// kinds are the types by their short names, in small letters: case means nothing there (RFC 4512 §1.4).
var kinds = func() map[string]string {
	out := make(map[string]string, len(short))
	for kind, name := range short {
		out[strings.ToLower(name)] = kind
	}
	return out
}()

// Of reads the name of a certificate, from its DER.
func Of(raw []byte) (Name, error) {
	var names pkix.RDNSequence
	rest, err := asn1.Unmarshal(raw, &names)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading a name: %w", err)
	case len(rest) > 0:
		return nil, errors.New("reading a name: there is more than one")
	}
	out := make(Name, len(names))
	for i, set := range names {
		for _, one := range set {
			value, ok := one.Value.(string)
			if !ok || !utf8.ValidString(value) {
				return nil, errors.New("reading a name: a value that is no text")
			}
			out[i] = append(out[i], attribute{one.Type.String(), value})
		}
	}
	return out, nil
}

// Parse reads a name that somebody wrote: on one line as RFC 4514 has it, the last step first; or a step a line in the order of the
// certificate, as String gives it. Values in quotes or in hexadecimal are not read.
func Parse(text string) (Name, error) {
	lines := strings.Contains(text, "\n")
	separator := byte(',')
	if lines {
		separator = '\n'
	}
	var out Name
	for _, step := range split(text, separator) {
		var r relative
		for _, part := range split(step, '+') {
			a, err := parseAttribute(part)
			if err != nil {
				return nil, err
			}
			r = append(r, a)
		}
		out = append(out, r)
	}
	if !lines {
		slices.Reverse(out) // RFC 4514 §2.1
	}
	return out, nil
}

// split cuts text at each separator that no backslash stands before.
func split(text string, separator byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

func parseAttribute(text string) (attribute, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return attribute{}, errors.New("an attribute has a type and a value")
	}
	name = strings.TrimSpace(name)
	kind, known := kinds[strings.ToLower(name)]
	if !known {
		if kind = name; !isNumber(name) {
			return attribute{}, fmt.Errorf("%.64q is no attribute type", name)
		}
	}
	plain, err := unescape(value)
	return attribute{kind, plain}, err
}

// isNumber reports an object identifier as numbers and dots.
func isNumber(kind string) bool {
	for part := range strings.SplitSeq(kind, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" || len(part) > 1 && part[0] == '0' {
			return false
		}
	}
	return strings.Contains(kind, ".")
}

// specials may stand behind a backslash as themselves (RFC 4514 §3).
const specials = ` "#+,;<=>\`

// unescape gives the value that was written (RFC 4514 §3); spaces around it do not count.
func unescape(text string) (string, error) {
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "#") {
		return "", errors.New("a value in hexadecimal")
	}
	var out []byte
	kept := 0 // the length up to the last character that is no space around the value
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(specials, text[i+1]) >= 0:
			i++
			c = text[i]
		case c == '\\' && i+2 < len(text):
			var b []byte
			if n, err := fmt.Sscanf(text[i+1:i+3], "%2x", &b); err != nil || n != 1 || len(b) != 1 {
				return "", errors.New("a backslash before what needs none")
			}
			i += 2
			c = b[0]
		case c == '\\' || strings.IndexByte(`"<>;`, c) >= 0:
			return "", fmt.Errorf("%q must stand behind a backslash", c)
		case c == ' ':
			out = append(out, c)
			continue
		}
		out = append(out, c)
		kept = len(out)
	}
	if !utf8.Valid(out[:kept]) {
		return "", errors.New("a value that is no text")
	}
	return string(out[:kept]), nil
}

// Equal reports whether both are the same name: the same steps in the same order, each with the same attributes in any order. Values
// are compared byte by byte: who looks alike is somebody else.
func (n Name) Equal(other Name) bool {
	return slices.EqualFunc(n, other, func(a, b relative) bool { return slices.Equal(a.sorted(), b.sorted()) })
}

func (r relative) sorted() relative {
	out := slices.Clone(r)
	slices.SortFunc(out, func(a, b attribute) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value)) })
	return out
}

// String gives one step a line, in the order of the certificate. Values are escaped (RFC 4514 §2.4), control characters too, so that no
// value reads as a line of its own.
func (n Name) String() string {
	lines := make([]string, len(n))
	for i, r := range n {
		parts := make([]string, len(r))
		for j, a := range r {
			kind := a.kind
			if name, known := short[kind]; known {
				kind = name
			}
			parts[j] = kind + "=" + escaped(a.value)
		}
		lines[i] = strings.Join(parts, " + ")
	}
	return strings.Join(lines, "\n")
}

func escaped(value string) string {
	var out strings.Builder
	for i, r := range value {
		last := i+len(string(r)) == len(value)
		switch {
		case unicode.IsControl(r):
			for _, b := range []byte(string(r)) {
				fmt.Fprintf(&out, "\\%02X", b)
			}
			continue
		case strings.ContainsRune(`,+"\<>;`, r), r == '#' && i == 0, r == ' ' && (i == 0 || last):
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// Package lucene reads the subset of Lucene's query syntax that the wire's searches take: terms, quoted values, wildcards, ranges,
// _exists_, AND, OR, NOT and parentheses. It knows no field; the store that answers a query says what each field is.
package lucene

import (
	"fmt"
	"strings"
)

// Node is a part of a query. The nil Node matches everything.
type Node interface{ node() }

// And matches what all its parts match.
type And []Node

// Or matches what any of its parts matches.
type Or []Node

// Not matches what its part does not.
type Not struct{ Node Node }

// Term compares one field with one value. Field is empty for a bare term.
type Term struct {
	Field string
	Value string // unescaped; with Wild, an unescaped "*" in it stands for any text and is written Star
	Wild  bool
}

// Range is Field between From and To; an empty bound is open ("*").
type Range struct {
	Field            string
	From, To         string
	FromOpen, ToOpen bool // the bound itself is not in the range: "{" and "}"
}

// Exists matches what has any value at Field.
type Exists struct{ Field string }

func (And) node()    {}
func (Or) node()     {}
func (Not) node()    {}
func (Term) node()   {}
func (Range) node()  {}
func (Exists) node() {}

// Star is how an unescaped "*" appears in the Value of a wild Term; no query holds it otherwise.
const Star = '\x00'

// SyntaxError says what of the query could not be read.
type SyntaxError struct{ Message string }

// Error implements error.
func (e *SyntaxError) Error() string { return e.Message }

func syntax(format string, args ...any) error {
	return &SyntaxError{Message: fmt.Sprintf(format, args...)}
}

// maxTerms bounds what one query may ask, maxDepth how deep it may nest.
const (
	maxTerms = 100
	maxDepth = 20
)

// Parse reads a query. Terms without an operator between them are joined by AND. An empty query is nil. The error is a *SyntaxError.
func Parse(query string) (Node, error) {
	p := &parser{lexer: lexer{in: query}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.token.kind == end {
		return nil, nil //nolint:nilnil // the nil Node is the query that matches everything
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != end {
		return nil, syntax("unexpected %q", p.token.text)
	}
	return n, nil
}

type parser struct {
	lexer

	token token
	terms int
}

func (p *parser) advance() error {
	var err error
	p.token, err = p.next()
	return err
}

func (p *parser) or(depth int) (Node, error) {
	if depth > maxDepth {
		return nil, syntax("the query nests too deep")
	}
	var parts Or
	for {
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if p.token.kind != orWord {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

func (p *parser) and(depth int) (Node, error) {
	var parts And
	for {
		n, err := p.unary(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if p.token.kind == andWord {
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		}
		if k := p.token.kind; k == end || k == orWord || k == closing {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

func (p *parser) unary(depth int) (Node, error) {
	if depth > maxDepth {
		return nil, syntax("the query nests too deep")
	}
	switch p.token.kind {
	case notWord:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return Not{Node: n}, nil
	case opening:
		return p.group(depth, "")
	case word, quoted:
		return p.clause(depth)
	case end:
		return nil, syntax("the query ends where a term is expected")
	case closing, andWord, orWord, colon, rangeText:
	}
	return nil, syntax("unexpected %q", p.token.text)
}

// group reads "( … )". With a field, bare terms inside it are of that field.
func (p *parser) group(depth int, field string) (Node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.token.kind != closing {
		return nil, syntax("a parenthesis is not closed")
	}
	if field != "" {
		n = scope(n, field)
	}
	return n, p.advance()
}

func scope(n Node, field string) Node {
	switch n := n.(type) {
	case And:
		for i := range n {
			n[i] = scope(n[i], field)
		}
		return n
	case Or:
		for i := range n {
			n[i] = scope(n[i], field)
		}
		return n
	case Not:
		return Not{Node: scope(n.Node, field)}
	case Term:
		if n.Field == "" {
			n.Field = field
		}
		return n
	}
	return n
}

func (p *parser) clause(depth int) (Node, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, syntax("the query has more than %d terms", maxTerms)
	}
	first := p.token
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.token.kind != colon {
		return term("", first), nil
	}
	field := plain(first.text)
	p.valueNext = true // a value may hold colons (dates, addresses) and start with a bracket
	if err := p.advance(); err != nil {
		return nil, err
	}
	value := p.token
	switch value.kind {
	case opening:
		return p.group(depth, field)
	case rangeText:
		n, err := parseRange(field, value.text)
		if err != nil {
			return nil, err
		}
		return n, p.advance()
	case word, quoted:
		if field == "_exists_" {
			return Exists{Field: plain(value.text)}, p.advance()
		}
		return term(field, value), p.advance()
	case end, closing, andWord, orWord, notWord, colon:
	}
	return nil, syntax("%s: has no value", field)
}

func term(field string, t token) Term {
	if t.kind == quoted {
		return Term{Field: field, Value: t.text}
	}
	return Term{Field: field, Value: t.text, Wild: strings.ContainsRune(t.text, Star)}
}

// plain undoes the marking of stars where they mean themselves.
func plain(text string) string { return strings.ReplaceAll(text, string(Star), "*") }

func parseRange(field, text string) (Node, error) {
	from, to, ok := strings.Cut(text[1:len(text)-1], " TO ")
	if !ok {
		return nil, syntax("%s: a range is written [a TO b]", field)
	}
	bound := func(s string) string {
		s = strings.Trim(strings.TrimSpace(s), `"`)
		if s == "*" {
			return ""
		}
		return s
	}
	return Range{
		Field: field, From: bound(from), To: bound(to),
		FromOpen: text[0] == '{', ToOpen: text[len(text)-1] == '}',
	}, nil
}

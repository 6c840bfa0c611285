package lucene

import "strings"

type kind int

const (
	end kind = iota
	word
	quoted
	rangeText
	opening
	closing
	colon
	andWord
	orWord
	notWord
)

type token struct {
	kind kind
	text string
}

type lexer struct {
	in  string
	pos int
	// valueNext says that the next token is the value of a field.
	valueNext bool
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.in) && (l.in[l.pos] == ' ' || l.in[l.pos] == '\t' || l.in[l.pos] == '\n' || l.in[l.pos] == '\r') {
		l.pos++
	}
	value := l.valueNext
	l.valueNext = false
	if l.pos >= len(l.in) {
		return token{kind: end}, nil
	}
	rest := l.in[l.pos:]
	switch {
	case rest[0] == '(':
		return l.take(opening, 1), nil
	case rest[0] == ')':
		return l.take(closing, 1), nil
	case rest[0] == ':' && !value:
		return l.take(colon, 1), nil
	case rest[0] == '"':
		return l.quoted()
	case value && (rest[0] == '[' || rest[0] == '{'):
		until := strings.IndexAny(rest, "]}")
		if until < 0 {
			return token{}, syntax("a range is not closed")
		}
		return l.take(rangeText, until+1), nil
	case strings.HasPrefix(rest, "&&"):
		return l.take(andWord, 2), nil
	case strings.HasPrefix(rest, "||"):
		return l.take(orWord, 2), nil
	case !value && (rest[0] == '!' || rest[0] == '-'):
		return l.take(notWord, 1), nil
	case !value && rest[0] == '+':
		l.pos++ // required: what a term is anyway
		return l.next()
	case rest[0] == Star:
		return token{}, syntax("the query holds a character that no value has")
	}
	return l.word(value)
}

func (l *lexer) take(k kind, n int) token {
	t := token{kind: k, text: l.in[l.pos : l.pos+n]}
	l.pos += n
	return t
}

// quoted reads "…" with \" and \\ inside it; stars mean themselves.
func (l *lexer) quoted() (token, error) {
	var b strings.Builder
	for i := l.pos + 1; i < len(l.in); i++ {
		switch c := l.in[i]; c {
		case '\\':
			if i++; i < len(l.in) {
				b.WriteByte(l.in[i])
			}
		case '"':
			l.pos = i + 1
			return token{kind: quoted, text: b.String()}, nil
		case Star:
			return token{}, syntax("the query holds a character that no value has")
		default:
			b.WriteByte(c)
		}
	}
	return token{}, syntax("a quote is not closed")
}

func (l *lexer) word(value bool) (token, error) {
	var b strings.Builder
	plainWord := true
	i := l.pos
loop:
	for ; i < len(l.in); i++ {
		switch c := l.in[i]; c {
		case ' ', '\t', '\n', '\r', '(', ')', '"':
			break loop
		case ':':
			if !value {
				break loop
			}
			b.WriteByte(c)
		case '\\':
			plainWord = false
			if i++; i < len(l.in) {
				b.WriteByte(l.in[i])
			}
		case '*':
			b.WriteByte(Star)
		case Star:
			return token{}, syntax("the query holds a character that no value has")
		default:
			b.WriteByte(c)
		}
	}
	if i == l.pos {
		return token{}, syntax("unexpected %q", l.in[l.pos:l.pos+1])
	}
	l.pos = i
	text := b.String()
	if plainWord && !value {
		switch text {
		case "AND":
			return token{kind: andWord, text: text}, nil
		case "OR":
			return token{kind: orWord, text: text}, nil
		case "NOT":
			return token{kind: notWord, text: text}, nil
		}
	}
	return token{kind: word, text: text}, nil
}

package mail

import (
	"bytes"
	"errors"
	"io"

	"github.com/emersion/go-message/mail"
)

// parse reads what a person wants to see of a mail. What cannot be read stays empty: the raw text is there.
func parse(raw []byte) Message {
	m := Message{Raw: string(raw), To: []string{}}
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return m
	}
	defer func() { _ = reader.Close() }()
	m.Subject, _ = reader.Header.Subject()
	if from, err := reader.Header.AddressList("From"); err == nil && len(from) > 0 {
		m.From = from[0].String()
	}
	if to, err := reader.Header.AddressList("To"); err == nil {
		for _, address := range to {
			m.To = append(m.To, address.Address)
		}
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) || part == nil {
			return m
		}
		inline, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue // an attachment
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return m
		}
		switch kind, _, _ := inline.ContentType(); {
		case kind == "text/html" && m.HTML == "":
			m.HTML = string(body)
		case kind == "text/plain" && m.Text == "":
			m.Text = string(body)
		}
	}
}

package httpkit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// Document is a body that answers many requests unchanged. It is compressed once, not anew for each answer.
type Document struct {
	contentType   string
	plain, zipped encoding
}

type encoding struct {
	body   []byte
	length string // as Content-Length has it
}

func encodingOf(body []byte) encoding { return encoding{body, strconv.Itoa(len(body))} }

// NewDocument keeps body, which must not be changed any more.
func NewDocument(contentType string, body []byte) (Document, error) {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return Document{}, fmt.Errorf("compressing a document: %w", err)
	}
	if _, err := w.Write(body); err != nil {
		return Document{}, fmt.Errorf("compressing a document: %w", err)
	}
	if err := w.Close(); err != nil {
		return Document{}, fmt.Errorf("compressing a document: %w", err)
	}
	return Document{contentType, encodingOf(body), encodingOf(zipped.Bytes())}, nil
}

// Is tells whether the document was made of body.
func (d Document) Is(body []byte) bool { return bytes.Equal(d.plain.body, body) }

// Write answers 200 with the document, compressed for who asked for that (RFC 9110 §12.5.3), with the length said as Data does.
func (d Document) Write(c *gin.Context) {
	c.Header("Vary", "Accept-Encoding")
	answer := d.plain
	if takesGzip(c.Request.Header) {
		answer = d.zipped
		c.Header("Content-Encoding", "gzip")
	}
	c.Header("Content-Length", answer.length)
	c.Data(http.StatusOK, d.contentType, answer.body)
}

// takesGzip tells whether gzip is among the encodings asked for, by its name and with a weight above zero. Who takes any ("*"), or asks
// for nothing, has the plain one, which everybody can read.
func takesGzip(h http.Header) bool {
	for _, list := range h["Accept-Encoding"] {
		for item := range strings.SplitSeq(list, ",") {
			name, weight, weighed := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			if !weighed {
				return true
			}
			value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(weight)), "q=")
			q, err := strconv.ParseFloat(value, 64)
			return ok && err == nil && q > 0
		}
	}
	return false
}

package httpkit

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// measure is what the length of a request is counted by. There are few: routes are patterns, methods and statuses are known words.
type measure struct {
	route, method string
	status        int
}

// measures keeps the options of each, since to make them costs more than to count.
type measures struct{ made sync.Map } // measure → metric.RecordOption

func newMeasures() *measures { return &measures{} }

func (m *measures) of(one measure) metric.RecordOption {
	if option, ok := m.made.Load(one); ok {
		return option.(metric.RecordOption) //nolint:forcetypeassert // nothing else is stored
	}
	option := metric.WithAttributeSet(attribute.NewSet(attribute.String("http.route", one.route),
		attribute.String("http.request.method", one.method), attribute.Int("http.response.status_code", one.status)))
	m.made.Store(one, option)
	return option
}

package httpapi

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

type dailyInput struct {
	From string `query:"from" doc:"First day, YYYYMMDD; 30 days before the last when absent"`
	To   string `query:"to" doc:"Last day, YYYYMMDD; today when absent"`
}

type wireDay struct {
	Date            string `json:"date"`
	Logins          int64  `json:"logins"`
	Signups         int64  `json:"signups"`
	LeakedPasswords int64  `json:"leaked_passwords"`
	CreatedAt       string `json:"created_at"`
	UpdatedAt       string `json:"updated_at"`
}

type days struct{ Body []wireDay }

func (h handler) daily(ctx context.Context, t tenancy.Tenant, in *dailyInput) (*days, error) {
	to, err := day(in.To, "to", h.now().UTC().Truncate(24*time.Hour))
	if err != nil {
		return nil, err
	}
	from, err := day(in.From, "from", to.AddDate(0, 0, -30))
	if err != nil {
		return nil, err
	}
	counted, err := h.log.Daily(ctx, t.ID, from, to)
	if err != nil {
		return nil, err
	}
	out := &days{Body: []wireDay{}}
	for _, d := range counted {
		out.Body = append(out.Body, wireDay{
			Date: stamp(d.Date), Logins: d.Logins, Signups: d.Signups, LeakedPasswords: d.LeakedPasswords,
			CreatedAt: stamp(d.First), UpdatedAt: stamp(d.Last),
		})
	}
	return out, nil
}

func day(text, property string, absent time.Time) (time.Time, error) {
	if text == "" {
		return absent, nil
	}
	t, err := time.Parse("20060102", text)
	if err != nil {
		return time.Time{}, fault.Invalid("invalid_query_string", "Query validation error: 'String does not match pattern YYYYMMDD' on property "+property+".")
	}
	return t, nil
}

type count struct{ Body int }

func (h handler) activeUsers(ctx context.Context, t tenancy.Tenant, _ *struct{}) (*count, error) {
	n, err := h.log.ActiveUsers(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	return &count{Body: n}, nil
}

package token

import (
	"fmt"
	"time"
)

// quotaThresholds are the shares of a quota, in percent, at which it is told of, the highest first.
var quotaThresholds = []int64{100, 80, 60}

// QuotaWarning is the fact that a client's bucket has passed a threshold on its way from before to total; ok is false when it passed none.
func QuotaWarning(s Spending, bucket string, before, total int64, now time.Time) (f Fact, ok bool) {
	for _, w := range s.Quota.Windows(s.Now) {
		if w.Name != bucket {
			continue
		}
		for _, percent := range quotaThresholds {
			if at := shareOf(w.Limit, percent); before >= at || total < at {
				continue
			}
			f = factOf(s.Tenant, now, QuotaUsed, "token_quota_consumption_warning")
			f.Description = fmt.Sprintf("%d%% of client %s quota consumed", percent, bucket)
			f.ClientID, f.ClientName, f.Origin = s.Client.ID, s.Client.Name, s.Origin
			f.Details = map[string]any{
				"bucket": bucket, "entity_type": "client", "entity_id": s.Client.ID, "quota": w.Limit,
				"quota_consumption_percentage": percent, "quota_consumption": total,
			}
			return f, true
		}
	}
	return Fact{}, false
}

// shareOf gives percent of limit, rounded up. It never multiplies the limit: that may be any number.
func shareOf(limit, percent int64) int64 { return limit/100*percent + (limit%100*percent+99)/100 }

package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func tryTokenCounts(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	hour := w.now.UTC().Truncate(time.Hour)
	count := func(client, bucket string, began time.Time, n int64) token.QuotaCount {
		return token.QuotaCount{ClientID: client, Bucket: bucket, Began: began, Ends: began.Add(time.Hour), Tokens: n}
	}
	totals, err := w.CountTokens(ctx, w.a, []token.QuotaCount{
		count("two", token.BucketHour, hour, 2), count("one", token.BucketHour, hour, 1), count("one", token.BucketDay, hour, 5), count("one", token.BucketHour, hour.Add(time.Hour), 7),
	})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 1, 5, 7}, totals, "in the order of the counts")
	totals, err = w.CountTokens(ctx, w.a, []token.QuotaCount{count("one", token.BucketHour, hour, -1), count("two", token.BucketHour, hour, 3)})
	require.NoError(t, err)
	require.Equal(t, []int64{0, 5}, totals)
	totals, err = w.CountTokens(ctx, w.b, []token.QuotaCount{count("two", token.BucketHour, hour, 1)})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, totals, "another tenant's are another's")

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var list []token.QuotaCount
			for c := range 20 {
				list = append(list, count(fmt.Sprint("c", c), token.BucketHour, hour, 1))
			}
			_, err := w.CountTokens(ctx, w.a, list)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	totals, err = w.CountTokens(ctx, w.a, []token.QuotaCount{count("c7", token.BucketHour, hour, 0)})
	require.NoError(t, err)
	require.Equal(t, []int64{8}, totals, "none is lost")

	_, err = w.Sweep(ctx, hour.Add(90*time.Minute))
	require.NoError(t, err)
	totals, err = w.CountTokens(ctx, w.a, []token.QuotaCount{count("two", token.BucketHour, hour, 0), count("one", token.BucketHour, hour.Add(time.Hour), 0)})
	require.NoError(t, err)
	require.Equal(t, []int64{0, 7}, totals, "what is over goes")
}

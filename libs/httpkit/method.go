package httpkit

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

const (
	methodCode     = "method_not_allowed"
	methodSentence = "Method Not Allowed"
)

// NoMethod answers requests by a method that their path does not take with 405. Which it takes, gin has put into Allow by then (RFC 9110
// §15.5.6). Paths that begin like one of oauth are answered with an OAuthProblem, all others with a Problem.
func NoMethod(oauth ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		EventOf(c.Request.Context()).Code = methodCode
		for _, path := range oauth {
			if strings.HasPrefix(c.Request.URL.Path, path) {
				c.Header("Cache-Control", "no-store")
				c.Header("Pragma", "no-cache")
				c.AbortWithStatusJSON(http.StatusMethodNotAllowed, OAuthProblem{Error: methodCode, Description: methodSentence})
				return
			}
		}
		c.AbortWithStatusJSON(http.StatusMethodNotAllowed, Problem{
			StatusCode: http.StatusMethodNotAllowed, Error: methodSentence, Message: methodSentence, ErrorCode: methodCode,
		})
	}
}

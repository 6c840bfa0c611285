// Package agent reads User-Agent headers into the short form in which the audit log shows them.
package agent

import (
	"regexp"
	"strings"

	"github.com/mileusna/useragent"
)

const other = "Other 0.0.0"

var systems = map[string]string{
	useragent.MacOS: "Mac OS X", useragent.IOS: "iOS", useragent.Windows: "Windows", useragent.Android: "Android",
	useragent.ChromeOS: "Chrome OS", useragent.Linux: "Linux",
}

// product is the first product of a header (RFC 9110 §10.1.5), for programs that are no browsers.
var product = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.\-]{0,63})/v?([0-9][0-9.]{0,31})`)

// Normalize gives "Chrome 120.0.0 / Mac OS X 10.15.7" for a header, and whether it is a phone's or a tablet's. An empty header, and
// what is unknown of another, is "Other 0.0.0".
func Normalize(header string) (normal string, mobile bool) {
	if len(header) > 512 {
		header = strings.ToValidUTF8(header[:512], "")
	}
	if header == "" {
		return "", false
	}
	ua := useragent.Parse(header)
	browser, system := other, other
	switch m := product.FindStringSubmatch(header); {
	case ua.Name != "" && ua.Version != "" && strings.HasPrefix(header, "Mozilla/"):
		browser = name(ua) + " " + three(ua.Version)
	case m != nil && m[1] != "Mozilla":
		browser = m[1] + " " + three(m[2])
	}
	if s, ok := systems[ua.OS]; ok {
		system = s + " " + three(ua.OSVersion)
	}
	return browser + " / " + system, ua.Mobile || ua.Tablet
}

func name(ua useragent.UserAgent) string {
	switch {
	case ua.Name == useragent.Safari && (ua.Mobile || ua.Tablet):
		return "Mobile Safari"
	case ua.Name == useragent.Chrome && ua.OS == useragent.Android:
		return "Chrome Mobile"
	case ua.Name == useragent.Chrome && ua.OS == useragent.IOS:
		return "Chrome Mobile iOS"
	case ua.Name == useragent.HeadlessChrome:
		return "HeadlessChrome"
	}
	return ua.Name
}

// three gives a version as three numbers, the missing ones zero.
func three(version string) string {
	parts := strings.FieldsFunc(version, func(r rune) bool { return r == '.' || r == '_' })
	out := []string{"0", "0", "0"}
	for i := range min(len(out), len(parts)) {
		if strings.Trim(parts[i], "0123456789") != "" {
			break
		}
		out[i] = parts[i]
	}
	return strings.Join(out, ".")
}

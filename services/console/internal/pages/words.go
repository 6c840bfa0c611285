package pages

import (
	"fmt"
	"strings"

	"github.com/postern-id/postern/services/console/internal/dashboard"
)

// stepWords says in a person's words what a step does; a step that is new here shows by its name.
func stepWords(name string) string {
	switch name {
	case "choose_cell":
		return "Find a place in the region"
	case "create_keys":
		return "Create the signing keys"
	case "seed_tenant":
		return "Set up the tenant"
	case "open_hostnames":
		return "Open the host names"
	case "await_routers":
		return "Wait for the routers"
	case "mark_ready":
		return "Mark it ready"
	case "welcome":
		return "Send the welcome mail"
	}
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return words
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// place names a region by its code and, where it is one of the usual ones, its name.
func place(region string) string {
	names := map[string]string{"us": "United States", "eu": "European Union", "au": "Australia"}
	if name, ok := names[region]; ok {
		return fmt.Sprintf("%s (%s)", name, region)
	}
	return region
}

// progress says how far a piece of work is.
func progress(steps []dashboard.Step) string {
	done := 0
	for _, s := range steps {
		if s.State == "done" {
			done++
		}
	}
	if len(steps) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d steps are done.", done, len(steps))
}

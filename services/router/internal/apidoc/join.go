package apidoc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const (
	title       = "Management API"
	version     = "2"
	description = "Configures one tenant: its clients, resource servers, connections, users, settings and logs. Each operation takes an access token " +
		"for the tenant's audience with any one of the scopes that it lists."
	schemaRef = "#/components/schemas/"
)

// Part is what one service says of its operations.
type Part struct {
	Service string
	Raw     []byte // OpenAPI 3.1
}

// object is a JSON object.
type object = map[string]any

// joined collects the parts.
type joined struct {
	openapi    string
	paths      object
	components map[string]object
	ids        map[string]string // operationId → service
}

// Join makes one description of the parts, in their order. A schema name that means something else in a later part is renamed there. An
// operation that two parts declare is an error, as is anything else that they do not agree on.
func Join(parts []Part) (*Document, error) {
	j := joined{paths: object{}, components: map[string]object{}, ids: map[string]string{}}
	for _, part := range parts {
		if err := j.add(part); err != nil {
			return nil, fmt.Errorf("joining the part of %s: %w", part.Service, err)
		}
	}
	var tags []object
	for _, name := range j.tags() {
		tags = append(tags, object{"name": name})
	}
	return newDocument(object{
		"openapi": j.openapi, "info": object{"title": title, "version": version, "description": description},
		"tags": tags, "paths": j.paths, "components": j.components,
	})
}

func (j *joined) add(part Part) error {
	var doc struct {
		OpenAPI    string            `json:"openapi"`
		Paths      map[string]object `json:"paths"`
		Components map[string]object `json:"components"`
	}
	if err := json.Unmarshal(part.Raw, &doc); err != nil {
		return err
	}
	if j.openapi == "" {
		j.openapi = doc.OpenAPI
	}
	if doc.OpenAPI == "" || doc.OpenAPI != j.openapi {
		return fmt.Errorf("it is OpenAPI %q", doc.OpenAPI)
	}
	if doc.Components == nil {
		doc.Components = map[string]object{}
	}
	renames := j.renames(part.Service, doc.Components["schemas"])
	schemas := object{}
	for name, schema := range doc.Components["schemas"] {
		if renamed, ok := renames[name]; ok {
			name = renamed
		}
		schemas[name] = schema
	}
	doc.Components["schemas"] = schemas
	for _, section := range doc.Components {
		rewrite(section, renames)
	}
	for path, methods := range doc.Paths {
		rewrite(methods, renames)
		if err := j.addPath(part.Service, path, methods); err != nil {
			return err
		}
	}
	return j.addComponents(doc.Components)
}

func (j *joined) addPath(service, path string, methods object) error {
	there, ok := j.paths[path].(object)
	if !ok {
		there = object{}
		j.paths[path] = there
	}
	for method, op := range methods {
		if _, twice := there[method]; twice {
			return fmt.Errorf("%s %s is another part's, too", method, path)
		}
		there[method] = op
		if op, ok := op.(object); ok {
			id, _ := op["operationId"].(string)
			if other, twice := j.ids[id]; twice {
				return fmt.Errorf("operation %q is another one of %s", id, other)
			}
			j.ids[id] = service
		}
	}
	return nil
}

func (j *joined) addComponents(sections map[string]object) error {
	for kind, section := range sections {
		if j.components[kind] == nil {
			j.components[kind] = object{}
		}
		for name, value := range section {
			if there, ok := j.components[kind][name]; ok && !reflect.DeepEqual(there, value) {
				return fmt.Errorf("%s %q is something else in another part", kind, name)
			}
			j.components[kind][name] = value
		}
	}
	return nil
}

// renames gives new names to those schemas whose names mean something else already: they differ, or refer to one that does.
func (j *joined) renames(service string, schemas object) map[string]string {
	there := j.components["schemas"]
	out := map[string]string{}
	for grown := true; grown; {
		grown = false
		for name, schema := range schemas {
			other, taken := there[name]
			if _, done := out[name]; done || !taken {
				continue
			}
			if !reflect.DeepEqual(schema, other) || slices.ContainsFunc(refs(schema), func(ref string) bool { return out[ref] != "" }) {
				out[name], grown = j.newName(service, name, schemas), true
			}
		}
	}
	return out
}

func (j *joined) newName(service, name string, schemas object) string {
	candidate := strings.ToUpper(service[:1]) + service[1:] + name
	for {
		_, taken := j.components["schemas"][candidate]
		_, own := schemas[candidate]
		if !taken && !own {
			return candidate
		}
		candidate += "_"
	}
}

// refs are the schemas that v refers to.
func refs(v any) []string {
	var out []string
	walk(v, func(_ object, name string) { out = append(out, name) })
	return out
}

// rewrite changes the references in v.
func rewrite(v any, renames map[string]string) {
	if len(renames) == 0 {
		return
	}
	walk(v, func(o object, name string) {
		if renamed, ok := renames[name]; ok {
			o["$ref"] = schemaRef + renamed
		}
	})
}

// walk calls visit with every object in v that refers to a schema.
func walk(v any, visit func(o object, name string)) {
	switch v := v.(type) {
	case object:
		if ref, ok := v["$ref"].(string); ok {
			if name, ok := strings.CutPrefix(ref, schemaRef); ok {
				visit(v, name)
			}
		}
		for _, value := range v {
			walk(value, visit)
		}
	case []any:
		for _, value := range v {
			walk(value, visit)
		}
	}
}

// tags are the operations' tags, sorted.
func (j *joined) tags() []string {
	seen := map[string]bool{}
	for _, methods := range j.paths {
		methods, _ := methods.(object)
		for _, op := range methods {
			op, _ := op.(object)
			list, _ := op["tags"].([]any)
			for _, tag := range list {
				if tag, ok := tag.(string); ok {
					seen[tag] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

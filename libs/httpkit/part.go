package httpkit

// PartPath is where a service describes its part of the Management API (OpenAPI 3.1) to the router, which joins the parts. The router
// forwards no request of the outside to it.
const PartPath = "/api/v2/openapi.part.json"

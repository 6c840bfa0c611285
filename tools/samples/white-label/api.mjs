// The product's API. Each partner's part has an audience of its own, so a token of one partner's application is no token at all at the other's.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { BASE_URL, PARTNERS } = process.env;
const app = express();
const bookings = { northwind: [{ what: 'Ferry to Rhodes' }], fabrikam: [{ what: 'Table for two' }] };

for (const audience of PARTNERS.split(' ')) {
  const partner = new URL(audience).pathname.replaceAll('/', '');
  app.get(`/${partner}/bookings`, auth({ audience }), requiredScopes('read:bookings'), (_req, res) => res.json(bookings[partner]));
}

app.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code ?? 'server_error' }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The API is at ${BASE_URL}`));

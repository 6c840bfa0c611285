// The API behind the gateway. It looks at each token again: a network that lets somebody past the gateway lets them no further.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { BASE_URL } = process.env;
const app = express();
const orders = [{ id: 1, item: 'Paper' }];

app.use(auth()); // ISSUER_BASE_URL and AUDIENCE say whose tokens, and for whom
app.get('/orders', requiredScopes('read:orders'), (req, res) => res.json({ orders, asked_by: req.auth.payload.azp, for: req.auth.payload.sub }));
app.post('/orders', requiredScopes('write:orders'), express.json(), (req, res) => {
  const order = { id: orders.length + 1, item: String(req.body?.item ?? '') };
  orders.push(order);
  res.status(201).json(order);
});

app.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code ?? 'server_error' }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The API is at ${BASE_URL}`));

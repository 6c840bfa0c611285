// The invoices API. It needs no rule about who may call it: the tenant gives tokens for it to the documents API alone.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { BASE_URL } = process.env;
const app = express();
const amounts = { 1: '1200 EUR', 2: '85 EUR' };

app.use(auth());
app.use(requiredScopes('read:invoices'));

app.get('/invoices/:document', (req, res) => res.json({ amount: amounts[req.params.document], asked_by: req.auth.payload.azp }));

app.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code ?? 'server_error' }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The invoices API is at ${BASE_URL}`));

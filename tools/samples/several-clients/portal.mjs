// The portal: people log in here, and it reads their documents for them, with a token for the documents API and for nothing else.
import express from 'express';
import oidc from 'express-openid-connect';
import { html, page } from '../kit/page.mjs';

const { BASE_URL, DOCUMENTS_AUDIENCE, DOCUMENTS_URL } = process.env;
const app = express();

app.use(oidc.auth({
  idpLogout: true,
  authorizationParams: { response_type: 'code', audience: DOCUMENTS_AUDIENCE, scope: 'openid profile read:documents' },
}));

// documents asks the documents API as the person who is logged in.
async function documents(req, path) {
  const res = await fetch(DOCUMENTS_URL + path, { headers: { authorization: `Bearer ${req.oidc.accessToken.access_token}` } });
  const body = await res.json();
  if (!res.ok) throw Object.assign(new Error(body.error), { status: res.status });
  return body;
}

app.get('/', async (req, res) => {
  const all = await documents(req, '/documents');
  res.send(page('Portal', html`
    <p>You are ${req.oidc.user.name}. <a href="/logout">Log out</a></p>
    <ul>${all.map((d) => html`<li>${d.title}: <a href="/documents/${d.id}/invoice">the invoice of ${d.title}</a></li>`)}</ul>`));
});

app.get('/documents/:id/invoice', async (req, res) => {
  const invoice = await documents(req, `/documents/${encodeURIComponent(req.params.id)}/invoice`);
  res.send(page('Invoice', html`<p>${invoice.amount}</p><p><a href="/">Back</a></p>`));
});

app.use((err, _req, res, _next) => res.status(err.status ?? 500).send(page('That did not work', html`
  <p>${err.error_description ?? err.message}</p>
  <p><a href="/">Back</a></p>`)));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The portal is at ${BASE_URL}`));

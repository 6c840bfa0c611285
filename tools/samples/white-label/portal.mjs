// The product's portal, the same program for every partner. Its name, its look and its client are the partner's.
import express from 'express';
import oidc from 'express-openid-connect';
import { html, page } from '../kit/page.mjs';

const { AUDIENCE, BASE_URL, BOOKINGS_URL, COLOUR, NAME } = process.env;
const app = express();
const show = (res, title, body) => res.send(page(title, html`<p><img src="/logo.svg" alt="" width="48" height="48"></p>${body}`, COLOUR));

app.get('/logo.svg', (_req, res) => res.type('svg').send(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="${COLOUR}"/><text x="24" y="33" font-size="26" font-family="sans-serif" text-anchor="middle" fill="#fff">${NAME[0]}</text></svg>`));

app.use(oidc.auth({
  authRequired: false,
  session: { name: `session-${new URL(BASE_URL).port}` }, // on your own machine both partners are "localhost" to a browser
  transactionCookie: { name: `login-${new URL(BASE_URL).port}` },
  authorizationParams: { response_type: 'code', audience: AUDIENCE, scope: 'openid profile read:bookings' },
}));

app.get('/', (req, res) => show(res, NAME, req.oidc.isAuthenticated()
  ? html`<p>You are ${req.oidc.user.name}. <a href="/bookings">Your bookings</a>, <a href="/logout">log out</a></p>`
  : html`<p>Nobody is logged in. <a href="/login">Log in</a></p>`));

app.get('/bookings', oidc.requiresAuth(), async (req, res) => {
  const answer = await fetch(BOOKINGS_URL, { headers: { authorization: `Bearer ${req.oidc.accessToken.access_token}` } });
  if (!answer.ok) throw Object.assign(new Error('The product does not let us see your bookings.'), { status: answer.status });
  show(res, 'Your bookings', html`<ul>${(await answer.json()).map((b) => html`<li>${b.what}</li>`)}</ul><p><a href="/">Back</a></p>`);
});

app.use((err, _req, res, _next) => show(res.status(err.status ?? 500), 'That did not work', html`
  <p>${err.error_description ?? err.message}</p>
  <p><a href="/">Back</a></p>`));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`${NAME} is at ${BASE_URL}`));

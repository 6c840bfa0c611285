// Serves the page with the library that it imports. Everybody may read all of it: of the client there is the id, and no more.
import { fileURLToPath } from 'node:url';
import express from 'express';

const { API_URL, AUDIENCE, BASE_URL, CLIENT_ID, ISSUER_BASE_URL } = process.env;
const file = (path) => (_req, res) => res.sendFile(fileURLToPath(new URL(path, import.meta.url)));
const app = express();

app.get('/', file('page.html'));
app.get('/oauth4webapi.js', file(import.meta.resolve('oauth4webapi')));
app.get('/config.json', (_req, res) => res.json({ issuer: `${ISSUER_BASE_URL}/`, clientId: CLIENT_ID, audience: AUDIENCE, api: API_URL }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The page is at ${BASE_URL}`));

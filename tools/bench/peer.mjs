// oidc-provider as its documentation sets it up for one machine: in memory, or on PostgreSQL by a plain adapter when DATABASE_URL is set.
// Every person is let in as "ada" at once; what is measured is the protocol.
import http from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';
import pg from 'pg';

const port = Number(process.env.PORT), issuer = `http://127.0.0.1:${port}`;
const jwk = (type, options, alg) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg });

function adapter(url) {
  const pool = new pg.Pool({ connectionString: url, max: 20 });
  const live = (row) => row && (!row.expires_at || row.expires_at > new Date()) ? { ...row.payload, ...(row.consumed_at ? { consumed: Math.floor(row.consumed_at / 1000) } : undefined) } : undefined;
  class PostgresAdapter {
    constructor(name) { this.name = name; }
    async upsert(id, payload, life) {
      await pool.query({ name: 'upsert', text: `insert into oidc (model, id, payload, grant_id, uid, expires_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, expires_at = excluded.expires_at`,
        values: [this.name, id, payload, payload.grantId ?? null, payload.uid ?? null, life ? new Date(Date.now() + life * 1000) : null] });
    }
    async find(id) { return live((await pool.query({ name: 'find', text: 'select * from oidc where model = $1 and id = $2', values: [this.name, id] })).rows[0]); }
    async findByUid(uid) { return live((await pool.query({ name: 'uid', text: 'select * from oidc where model = $1 and uid = $2', values: [this.name, uid] })).rows[0]); }
    async findByUserCode() { return undefined; }
    async consume(id) { await pool.query({ name: 'consume', text: 'update oidc set consumed_at = now() where model = $1 and id = $2', values: [this.name, id] }); }
    async destroy(id) { await pool.query({ name: 'destroy', text: 'delete from oidc where model = $1 and id = $2', values: [this.name, id] }); }
    async revokeByGrantId(id) { await pool.query({ name: 'revoke', text: 'delete from oidc where grant_id = $1', values: [id] }); }
  }
  return pool.query(`create table if not exists oidc (model text, id text, payload jsonb not null, grant_id text, uid text, consumed_at timestamptz, expires_at timestamptz, primary key (model, id));
    create index if not exists oidc_grant on oidc (grant_id); create index if not exists oidc_uid on oidc (model, uid)`).then(() => PostgresAdapter);
}

const provider = new Provider(issuer, {
  adapter: process.env.DATABASE_URL ? await adapter(process.env.DATABASE_URL) : undefined,
  jwks: { keys: [jwk('rsa', { modulusLength: 2048 }, 'RS256'), jwk('ec', { namedCurve: 'P-256' }, 'ES256')] },
  clients: [
    { client_id: 'machine', client_secret: 'machine-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post' },
    ...['RS256', 'HS256'].map((alg) => ({ client_id: `web-${alg}`, client_secret: 'a secret that is long enough for HMAC', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://app.example/cb'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: alg })),
  ],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: 'ada@example.com', email_verified: true, name: 'Ada Byron' }) }),
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'HS256'] },
  pkce: { required: () => false },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  cookies: { keys: ['a key of the bench'] },
  features: {
    devInteractions: { enabled: false }, clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true, defaultResource: (ctx) => ctx.oidc?.params?.resource, useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({ scope: 'read:x', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 86400, jwt: { sign: { alg: resource.endsWith('es256') ? 'ES256' : 'RS256' } } }),
    },
  },
  interactions: { url: (_, interaction) => `/in/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email profile offline_access');
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();
const server = http.createServer(async (req, res) => {
  if (!req.url.startsWith('/in/')) return answer(req, res);
  await provider.interactionFinished(req, res, { login: { accountId: 'ada', remember: true } }, { mergeWithLastSubmission: false });
});
server.keepAliveTimeout = 600_000; // clients are kept over scenarios that are others'
server.listen(port, '127.0.0.1', () => console.log('ready'));

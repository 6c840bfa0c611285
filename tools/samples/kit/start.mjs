// Starts programs, each with the settings that "npm run setup" wrote for it, and ends them together:
//
//   node ../kit/start.mjs portal documents     portal.mjs with .env.portal, documents.mjs with .env.documents
//   node ../kit/start.mjs portal:northwind     portal.mjs with .env.northwind
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';

const programs = process.argv.slice(2).map((word) => { const [program, settings = program] = word.split(':'); return [program, `.env.${settings}`]; });
const missing = programs.find(([, settings]) => !existsSync(settings));
if (missing) {
  console.error(`There is no ${missing[1]} yet: npm run setup`);
  process.exit(1);
}
const children = programs.map(([program, settings]) => fork(`./${program}.mjs`, { execArgv: [`--env-file=${settings}`] }));
const end = () => children.forEach((child) => child.kill());
process.on('SIGINT', end).on('SIGTERM', end);
for (const child of children) {
  child.on('exit', (code) => {
    process.exitCode ||= code ?? 0;
    end();
  });
}

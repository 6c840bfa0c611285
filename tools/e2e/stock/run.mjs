// What the scripts share: input from the environment, one JSON answer on standard output.
import assert from 'node:assert/strict';
export { assert };
export const input = JSON.parse(process.env.INPUT);
export const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
// refused runs f and gives the error it must end in.
export async function refused(f, what) {
  try { await f(); } catch (e) { return e; }
  throw new Error(`${what} was not refused`);
}

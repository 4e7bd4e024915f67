// What the JavaScript suites share: where the server under test is, which keys
// to show, how to look at what reached the provider, and the cells
// (client × feature) into which results are counted. caddytest/clients/run sets
// the environment.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

for (const name of Object.keys(process.env)) {
  if (/^(OPENAI|ANTHROPIC|GOOGLE|GEMINI)_(?!CLIENT_KEY)/.test(name)) delete process.env[name]; // the SDKs read these
}

export const env = {
  gateway: process.env.MODE === 'gateway',
  url: process.env.TARGET_URL,
  mock: process.env.MOCK_URL,
  openaiKey: process.env.OPENAI_CLIENT_KEY,
  anthropicKey: process.env.ANTHROPIC_CLIENT_KEY,
  googleKey: process.env.GOOGLE_CLIENT_KEY,
  restrictedKey: process.env.RESTRICTED_KEY, // may use gpt-4o-mini and claude-haiku-* only
  limitedKey: process.env.LIMITED_KEY, // for the prefixes /limited and /poor
};
if (!env.url || !env.mock) throw new Error('start these tests with caddytest/clients/run');

// The text that the policy of the gateway under test forbids.
export const marker = 'do-not-send-this';

// What the mock provider answers.
export const answer = (text) => `You said: ${text} – Grüße, 世界 👋 and "quotes"\n.`;
export const structured = '{"city":"Zürich"}'; // where a JSON schema is asked for
export const toolAnswer = (text) => `The tool said: ${text}`;
export const toolArguments = ['{"city":"Zürich","days":3}', '{"city":"København \\"K\\"","days":12345678901234567890}'];

// A picture of one pixel.
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

// vector is the mock provider's embedding of a text.
export function vector(text) {
  const bytes = Buffer.from(text);
  const v = [];
  let h = 2166136261;
  for (let i = 0; i < 8; i++) {
    for (const b of bytes) h = Math.imul(h ^ b, 16777619) >>> 0;
    h = Math.imul(h ^ i, 16777619) >>> 0;
    v.push((((h >>> 16) & 0x1ff) - 256) / 256);
  }
  return v;
}

// The installed major version of a package.
export function majorOf(name) {
  const file = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version.split('.')[0];
}

let serial = 0;

// cell runs one feature of one client as a test and counts its result. f gets a
// probe: a word that no other test puts into a prompt.
export function cell(client, feature, f) {
  test(`${client} ${feature}`, { timeout: 60_000 }, async () => {
    const probe = `probe-${client}-${feature}-${process.pid}-${++serial}`;
    let word = 'FAIL';
    try {
      await f(probe);
      word = 'ok';
    } finally {
      if (process.env.RESULTS) appendFileSync(process.env.RESULTS, `${client} ${feature} ${word}\n`);
    }
  });
}

// gatewayCell is a cell about something that only the gateway does; there is no
// such cell when the suites run directly against the provider.
export function gatewayCell(client, feature, f) {
  if (env.gateway) cell(client, feature, f);
}

// seen asserts that exactly n requests with that probe reached the provider, and
// returns them.
export async function seen(probe, n) {
  const res = await fetch(`${env.mock}/_mock/seen?probe=${probe}`);
  const list = await res.json();
  assert.equal(list.length, n, `${list.length} requests reached the provider, want ${n}`);
  return list;
}

// release lets the gated stream of that probe go on.
export async function release(probe) {
  await fetch(`${env.mock}/_mock/release?probe=${probe}`, { method: 'POST' });
}

// gone asserts that the provider sees that the caller of the gated stream left.
export async function gone(probe) {
  const res = await fetch(`${env.mock}/_mock/gone?probe=${probe}`);
  assert.equal(res.status, 200, 'the client left, but the call at the provider was not cancelled');
}

export function checkRetryAfter(value, atMost) {
  const n = Number(value);
  assert.ok(Number.isInteger(n) && n >= 1 && n <= atMost, `retry-after: ${value}`);
}

// failure returns the error with which a promise is rejected.
export async function failure(promise) {
  try {
    await promise;
  } catch (err) {
    return err;
  }
  assert.fail('no error was thrown');
}

// drain reads a stream to its end; it resolves to what it yielded and to the
// error that ended it, if one did.
export async function drain(stream) {
  const items = [];
  try {
    for await (const item of await stream) items.push(item);
  } catch (error) {
    return { items, error };
  }
  return { items };
}

// Google's official JavaScript client.
import assert from 'node:assert/strict';
import { GoogleGenAI } from '@google/genai';
import {
  answer, cell, drain, env, failure, gatewayCell, gone, majorOf, marker, release, seen, toolAnswer, toolArguments, vector,
} from './harness.mjs';

const major = majorOf('@google/genai');
const name = `genai-js-${major}`;
const at = (prefix, apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${env.url}${prefix}` } });
const client = at('', env.googleKey);
const ask = (model, contents, more) => ({ model, contents, ...more });
const config = {
  tools: [{
    functionDeclarations: ['weather', 'forecast'].map((name) => ({
      name, parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    })),
  }],
};
const textOf = (chunks) => chunks.map((c) => c.text ?? '').join('');

cell(name, 'text', async (probe) => {
  const got = await client.models.generateContent(ask('gemini-2.5-pro', probe));
  assert.equal(got.text, answer(probe));
  assert.equal(got.candidates[0].finishReason, 'STOP');
  assert.equal(got.usageMetadata.promptTokenCount, 1);
  const [request] = await seen(probe, 1);
  // The gateway asks the provider in the version of its base_url, v1beta.
  const version = major === '2' || env.gateway ? 'v1beta' : 'v1';
  assert.equal(request.path, `/${version}/models/gemini-2.5-pro:generateContent`);
});

cell(name, 'stream', async (probe) => {
  const { items, error } = await drain(client.models.generateContentStream(ask('gemini-2.5-pro', probe)));
  assert.ifError(error);
  assert.equal(textOf(items), answer(probe));
  assert.equal(items.at(-1).candidates[0].finishReason, 'STOP');
  assert.ok(items.at(-1).usageMetadata.candidatesTokenCount > 1);
  await seen(probe, 1);
});

cell(name, 'stream-live', async (probe) => {
  let text = '';
  for await (const chunk of await client.models.generateContentStream(ask('gemini-gate', probe))) {
    text += chunk.text ?? '';
    if (text) await release(probe); // only now may the provider go on
  }
  assert.equal(text, answer(probe));
});

cell(name, 'cancel', async (probe) => {
  const abort = new AbortController();
  try {
    for await (const chunk of await client.models.generateContentStream(ask('gemini-gate', probe, { config: { abortSignal: abort.signal } }))) {
      if (chunk.text) abort.abort();
    }
  } catch {} // it ends with an error, as it should
  await gone(probe);
});

cell(name, 'tools', async (probe) => {
  const contents = [{ role: 'user', parts: [{ text: probe }] }];
  const got = await client.models.generateContent({ model: 'gemini-2.5-pro', contents, config });
  assert.deepEqual(got.functionCalls.map((c) => c.name), ['weather', 'forecast']);
  assert.deepEqual(got.functionCalls.map((c) => c.args), toolArguments.map((a) => JSON.parse(a)));
  contents.push(got.candidates[0].content, {
    role: 'user', parts: [{ functionResponse: { id: got.functionCalls[0].id, name: 'weather', response: { result: 'rain in Zürich' } } }],
  });
  const next = await client.models.generateContent({ model: 'gemini-2.5-pro', contents, config });
  assert.equal(next.text, toolAnswer('rain in Zürich'));
  const [, second] = await seen(probe, 2);
  assert.ok(second.body.includes('bW9jay1zaWduYXR1cmU='), 'the signature of the thoughts came back');
});

cell(name, 'count-tokens', async (probe) => {
  assert.equal((await client.models.countTokens(ask('gemini-2.5-pro', `${probe} and three words`))).totalTokens, 4);
});

cell(name, 'embed', async (probe) => {
  const got = await client.models.embedContent(ask('gemini-embedding-001', ['Zürich', probe]));
  assert.deepEqual(got.embeddings.map((e) => e.values), [vector('Zürich'), vector(probe)]);
});

cell(name, 'models', async () => {
  const { items, error } = await drain(client.models.list());
  assert.ifError(error);
  assert.ok(items.some((m) => m.name === 'models/gemini-2.5-pro'), JSON.stringify(items));
});

const broken = async (model, probe) => {
  const { items, error } = await drain(client.models.generateContentStream(ask(model, probe)));
  assert.ok(error, `the stream ended as if it were whole: ${JSON.stringify(items)}`);
  assert.ok(textOf(items) && answer(probe).startsWith(textOf(items)), `text before the break: ${textOf(items)}`);
};
cell(name, 'cut', (probe) => broken('gemini-cut', probe));
cell(name, 'inband-error', (probe) => broken('gemini-inband', probe));
gatewayCell(name, 'quiet-end', (probe) => broken('gemini-eof', probe));

const fails = async (c, params, status, words) => {
  const one = await failure(c.models.generateContent(params));
  const two = await failure(drain(c.models.generateContentStream(params)).then(({ error }) => { if (error) throw error; }));
  for (const err of [one, two]) {
    assert.equal(err.status, status, `${err}`);
    assert.ok(err.message.includes(words), err.message);
  }
};
cell(name, 'provider-400', async (probe) => {
  await fails(client, ask('gemini-err-400', probe), 400, 'mock: prompt is too long');
  await seen(probe, 2);
});
cell(name, 'provider-429', (probe) => fails(client, ask('gemini-err-429', probe, { config: { httpOptions: { retryOptions: { attempts: 1 } } } }), 429, 'mock: too many requests'));
gatewayCell(name, 'denied-401', async (probe) => {
  await fails(at('', 'not-a-key-of-this-gateway'), ask('gemini-2.5-pro', probe), 401, 'UNAUTHENTICATED');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-403', async (probe) => {
  await fails(at('', env.restrictedKey), ask('gemini-2.5-pro', probe), 403, 'PERMISSION_DENIED');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-404', (probe) => fails(client, ask('nobody-has-this', probe), 404, 'nobody-has-this'));
gatewayCell(name, 'denied-422', async (probe) => {
  await fails(client, ask('gemini-2.5-pro', `${probe} ${marker}`), 422, 'this text must not leave');
  await fails(client, ask('gemini-2.5-pro', probe, { config: { systemInstruction: marker } }), 422, 'this text must not leave');
  await seen(probe, 0);
});

// The TypeScript SDK 2.x with the official Tasks package: the newer era, long work as tasks.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient } from "@modelcontextprotocol/ext-tasks/client";

import { answer, headers, info, tell, url } from "./story.mjs";

const VERSION = "2026-07-28";
const capabilities = { elicitation: { form: {} } };
const client = new Client(info, { capabilities, versionNegotiation: { mode: "auto" } });
client.setRequestHandler("elicitation/create", answer);
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));

let requests = 0;

/** Send what the SDK does not send yet (2.4): a request whose answer may be a task. */
async function rawDispatch({ method, params }, options) {
  const response = await fetch(url, {
    method: "POST",
    signal: options?.signal,
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": VERSION,
      "mcp-method": method,
      "mcp-name": params.name ?? params.taskId,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: `raw-${++requests}`, method, params }),
  });
  const body = await response.text();
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  const events = body.split(/\r?\n/).filter((line) => line.startsWith("data: {"));
  const answers = isStream ? events.map((line) => JSON.parse(line.slice(6))) : [JSON.parse(body)];
  const { result, error } = answers.find(({ id }) => id !== undefined);
  return error === undefined ? { kind: "result", result } : { kind: "error", error };
}

const session = createTaskSessionFromClient(client, {
  endpointId: url,
  rawDispatch,
  v2RequestFraming: { protocolVersion: VERSION, clientInfo: info, clientCapabilities: capabilities },
});

/** Start a call that must become a task. */
async function begin(name, args) {
  const execution = await session.callTool(name, args);
  if (execution.kind !== "task") throw new Error(`${name} answered at once`);
  return execution;
}

await tell(client, {
  era: () => client.getNegotiatedProtocolVersion(),
  call: (name, args) => client.callTool({ name, arguments: args }),
  async wait(name, args) {
    const heard = [];
    // A task's progress is in words: "40% frame 109 of 273".
    const onEvent = ({ task }) => task?.statusMessage && heard.push(Number.parseInt(task.statusMessage) / 100);
    const { outcome } = await (await begin(name, args)).settle({ onEvent });
    if (outcome.status !== "completed") throw new Error(`${name} ended as ${outcome.status}`);
    return { result: outcome.result, heard };
  },
  async callOff(name, args) {
    const execution = await begin(name, args);
    await execution.cancel();
    return (await execution.settle()).outcome.status;
  },
});
await session.close();
await client.close();

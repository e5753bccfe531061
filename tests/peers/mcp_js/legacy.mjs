// The TypeScript SDK 1.x: the older era, live questions, progress while a call runs.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { answer, headers, info, tell, url } from "./story.mjs";

const client = new Client(info, { capabilities: { elicitation: { form: {} } } });
client.setRequestHandler(ElicitRequestSchema, answer);
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
await client.connect(transport);

const call = (name, args, options) => client.callTool({ name, arguments: args }, undefined, options);

await tell(client, {
  era: () => transport.protocolVersion,
  call,
  async wait(name, args) {
    const heard = [];
    const onprogress = ({ progress }) => heard.push(progress);
    const result = await call(name, args, { onprogress, resetTimeoutOnProgress: true });
    return { result, heard };
  },
  async callOff(name, args) {
    const given = new AbortController();
    // Only what runs can be called off: its first word says that it does.
    const onprogress = () => given.abort(new Error("called off"));
    return await call(name, args, { onprogress, signal: given.signal }).then(
      () => "answered",
      ({ message }) => (message.includes("called off") ? "cancelled" : message),
    );
  },
});
await client.close();

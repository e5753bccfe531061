// What every client does with the studio, whichever SDK it is made of; prints one line of JSON.
// Usage: node SCRIPT URL TOKEN ARGUMENTS_OF_RENDER_VIDEO

export const [url, token, render] = process.argv.slice(2);
export const headers = { Authorization: `Bearer ${token}` };
export const info = { name: "bookai-peer", version: "1.0.0" };

/** Who sits behind the client: what he was asked, and whether he agrees. */
export const person = { asked: [], agrees: true };

/** Answer a form as the person would. */
export function answer({ params }) {
  person.asked.push(params.message);
  if (!person.agrees) return { action: "decline" };
  const filled = Object.entries(params.requestedSchema.properties).map(([name, { type, default: usual }]) => [
    name,
    usual ?? { boolean: true, integer: 1, number: 1 }[type] ?? "Ada",
  ]);
  return { action: "accept", content: Object.fromEntries(filled) };
}

/** Follow a list to its last page. */
async function all(list, key) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor === undefined ? undefined : { cursor });
    found.push(...page[key]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

/** Tell the whole story; `calls` says how this client waits for long work and calls it off. */
export async function tell(client, calls) {
  const said = {};
  said.server = client.getServerVersion()?.name;
  said.era = calls.era();
  const tools = await all((params) => client.listTools(params), "tools");
  said.tools = tools.map(({ name }) => name);
  said.resources = (await all((params) => client.listResources(params), "resources")).length;
  said.templates = (await all((params) => client.listResourceTemplates(params), "resourceTemplates")).length;
  said.prompts = (await all((params) => client.listPrompts(params), "prompts")).map(({ name }) => name);
  said.called = (await calls.call("get_job", { job_id: 1 })).structuredContent.job.status;
  said.elicited = (await calls.call("test_elicitation", { message: "Who is there?" })).content[0].text;
  const { result, heard } = await calls.wait("render_video", JSON.parse(render));
  said.rendered = result.structuredContent;
  said.heard = heard;
  const decide = () => calls.call("decide_approval", { approval_id: 1, decision: "approve" });
  person.agrees = false;
  said.declined = (await decide()).content[0].text;
  person.agrees = true;
  const { state, decided_by } = (await decide()).structuredContent;
  said.approved = [state, decided_by];
  said.asked = person.asked;
  said.cancelled = await calls.callOff("slow_compute", { seconds: 60 });
  said.misfit = await calls.call("echo", { text: "x", loud: true }).then(
    ({ isError, content }) => [isError, content[0].text],
  );
  said.unknown = await calls.call("no_such_tool", {}).then(
    () => null,
    ({ code }) => code,
  );
  console.log(JSON.stringify(said));
}

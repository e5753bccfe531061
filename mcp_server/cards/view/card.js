// The card of one approval, and what is done when the operator answers on it.

const CARDS = "bookai/cards";
let cards = [];
let shown = 0;
const seen = new Set();

// -- Building ---------------------------------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

const text = (tag, words, className = null) => make(tag, { class: className, dir: "auto" }, words);
const person = (name) => (name || "").replace(/^operator:/, "");
const moment = (at) => new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function say(words) {
  const alert = document.getElementById("alert");
  alert.textContent = words;
  alert.hidden = !words;
}

function away(url, words) {
  let target;
  try {
    target = new URL(url);
  } catch {
    return text("span", words);
  }
  if (!["http:", "https:"].includes(target.protocol) || !can("openLinks"))
    return text("span", words);
  const open = () => ask("ui/open-link", { url }).catch((error) => say(error.message));
  return make(
    "button",
    { type: "button", class: "link", dir: "auto", title: url, onclick: open },
    words,
  );
}

// -- The card ---------------------------------------------------------------------------------

function take(result) {
  const told = result._meta && result._meta[CARDS];
  if (result.isError || !Array.isArray(told)) {
    const words = (result.content || [])
      .filter((one) => one.type === "text")
      .map((one) => one.text);
    document.getElementById("card").replaceChildren(text("p", words.join("\n\n"), "caption"));
    return;
  }
  cards = told;
  shown = Math.min(shown, Math.max(0, cards.length - 1));
  seen.clear();
  draw();
}

function draw() {
  const queue = document.getElementById("queue");
  const pick = (index) => () => {
    shown = index;
    say("");
    draw();
    document.getElementById("card").focus();
  };
  queue.hidden = cards.length < 2;
  queue.className = "queue";
  queue.replaceChildren(
    ...cards.map((card, index) =>
      make(
        "button",
        {
          type: "button",
          "aria-current": index === shown ? "true" : null,
          onclick: pick(index),
        },
        `${card.approval_id}${card.state === "pending" ? "" : ` (${card.state})`}`,
      ),
    ),
  );
  const card = cards[shown];
  document
    .getElementById("card")
    .replaceChildren(
      card
        ? make("div", { class: "watch" }, stage(card), words(card))
        : text("p", "Nothing waits.", "soft"),
    );
}

function stage(card) {
  const box = make("div", { class: "stage" });
  if (!card.links) {
    box.append(text("p", "Nothing to show", "gone"));
    return box;
  }
  const { video, thumbnail, captions } = card.links;
  const sees = () => {
    seen.add(card.approval_id);
    allow(card);
  };
  const film = make(
    "video",
    {
      id: "film",
      controls: true,
      playsinline: true,
      preload: "auto",
      poster: thumbnail,
      crossorigin: "anonymous",
      "aria-label": card.post.title,
      onloadeddata: sees,
    },
    make("track", { kind: "captions", src: captions, label: "Captions" }),
  );
  film.addEventListener("error", () =>
    film.replaceWith(text("p", "The film cannot be played here. Its link may have ended.", "gone")),
  );
  film.src = video;
  const again = () =>
    ask("tools/call", { name: "list_approvals", arguments: listed }).then(take, (error) =>
      say(error.message),
    );
  const open = () => ask("ui/open-link", { url: video }).then(sees, (error) => say(error.message));
  box.append(
    film,
    make(
      "details",
      {},
      text("summary", "Thumbnail"),
      make("img", {
        src: thumbnail,
        alt: "The thumbnail that goes out with the film",
        loading: "lazy",
      }),
    ),
  );
  if (can("openLinks"))
    box.append(make("button", { type: "button", id: "open", onclick: open }, "Open the film"));
  if (can("serverTools"))
    box.append(make("button", { type: "button", onclick: again }, "Load again"));
  return box;
}

function words(card) {
  const { post } = card;
  const tags = [
    make(
      "li",
      { class: `tag ${card.state}` },
      card.state === "pending" ? "Waits for you" : card.state,
    ),
  ];
  if (post.flags.ai_made) tags.push(make("li", { class: "tag" }, "AI-made"));
  if (post.flags.paid_promotion) tags.push(make("li", { class: "tag ad" }, "Contains an ad"));
  if (post.visibility) tags.push(make("li", { class: "tag" }, post.visibility));
  if (typeof post.made_for_kids === "boolean")
    tags.push(
      make("li", { class: "tag" }, post.made_for_kids ? "Made for kids" : "Not made for kids"),
    );
  const pending = card.state === "pending";
  return make(
    "div",
    {},
    make("ul", { class: "tags" }, ...tags),
    text("h1", post.title),
    text(
      "p",
      `Approval ${card.approval_id}, job ${card.job_id}, to ${post.platform}/${post.account}, ` +
        `asked for by ${person(card.requested_by)}${pending ? `; answer by ${moment(card.expires_at)}` : ""}`,
      "soft small",
    ),
    text("p", post.caption, "caption"),
    post.hashtags.length ? text("p", post.hashtags.join(" "), "soft") : null,
    post.offer_name
      ? make(
          "div",
          { class: "offer" },
          text("p", post.disclosure),
          away(post.offer_url, post.offer_name),
        )
      : null,
    make("p", { class: "small" }, away(post.source_url, post.source_credit)),
    ...edits(card),
    ...checks(card),
    ...script(card),
    pending ? answer(card) : verdict(card),
  );
}

function edits(card) {
  return card.edits.flatMap((edit) => [
    text("h2", `Changed: ${edit.field}`),
    make("p", {}, text("del", edit.before), " ", text("ins", edit.after)),
  ]);
}

function script(card) {
  if (!card.lines.length) return [];
  const lines = card.lines.map((line) => {
    const jump = () => {
      const film = document.getElementById("film");
      if (film) {
        film.currentTime = line.at_s;
        film.play().catch(() => {});
      }
    };
    const at =
      line.at_s === null || !card.links
        ? null
        : make(
            "button",
            {
              type: "button",
              class: "at",
              "aria-label": `Play from ${clock(line.at_s)}`,
              onclick: jump,
            },
            clock(line.at_s),
          );
    const spoken = make("p", { class: "spoken", dir: "auto" }, at, line.text);
    if (!line.support) {
      const claimless = { cta: "Claims nothing.", disclosure: "Says that it is an ad." }[line.kind];
      return make(
        "li",
        {},
        spoken,
        text(
          "p",
          claimless || "No sentence of the source supports this.",
          claimless ? "soft small" : "missing",
        ),
      );
    }
    const { before, text: words, after } = line.support;
    return make(
      "li",
      {},
      spoken,
      make(
        "details",
        {},
        text("summary", line.is_verbatim ? "Word for word in the source" : "What the source says"),
        make("blockquote", { dir: "auto" }, before, make("mark", {}, words), after),
      ),
    );
  });
  const source =
    card.source &&
    make(
      "p",
      { class: "soft small" },
      "From ",
      away(card.source.url, `“${card.source.title}”`),
      `, read ${moment(card.source.fetched_at)}.`,
    );
  return [
    text("h2", "What is said, and what supports it"),
    make("ol", { class: "script" }, ...lines),
    source,
  ];
}

function checks(card) {
  const failed = card.findings.filter((one) => !one.ok);
  const told = [
    ...failed.map((one) =>
      make("li", { class: "failed", dir: "auto" }, `${one.check}: ${one.detail}`),
    ),
    ...card.fallbacks.map((one) =>
      make("li", { dir: "auto" }, `${one.what}: ${one.used} instead of ${one.wanted} (${one.why})`),
    ),
  ];
  const passed = card.findings.length - failed.length;
  return [
    text("h2", "Checks"),
    text("p", `${passed} of ${card.findings.length} passed.`, "small"),
    told.length ? make("ul", { class: "plain small" }, ...told) : null,
  ];
}

function verdict(card) {
  return make(
    "section",
    { class: "verdict" },
    text("p", `${card.state}${card.decided_by ? ` by ${person(card.decided_by)}` : ""}`),
    card.note ? text("p", card.note) : null,
    card.state === "approved" ? null : text("p", "Nothing is published.", "soft"),
  );
}

// -- The answer -------------------------------------------------------------------------------

function whyNot(card) {
  if (card.problem) return card.problem;
  if (!card.may_decide)
    return `You may look here, but not decide. On the studio's machine: bookai approve ${card.approval_id}`;
  if (!can("serverTools"))
    return `This client lets no card act. Answer on the studio's pages, or: bookai approve ${card.approval_id}`;
  if (card.has_voted) return "You said yes already; the others are asked now.";
  return seen.has(card.approval_id)
    ? ""
    : "Yes opens as soon as the film is here, or you opened it.";
}

function answer(card) {
  const yes = card.votes.filter((vote) => vote.approve);
  const who = yes.map((vote) => person(vote.by)).join(", ");
  const label = card.needed - yes.length <= 1 ? "Approve and publish" : "Say yes";
  const act = (word) => () => decide(card, word);
  const box = make(
    "section",
    { class: "decide", "aria-label": "Your answer" },
    text("h2", "Your answer"),
    card.needed > 1
      ? text("p", `${yes.length} of ${card.needed} said yes${who && `: ${who}`}.`, "small")
      : null,
    make("p", { id: "why", class: "soft small" }, whyNot(card)),
  );
  if (!card.may_decide || !can("serverTools")) return box;
  box.append(
    make("label", { for: "reason" }, "Reason (asked for with a no; kept with the decision)"),
    make("textarea", { id: "reason", maxlength: 500, rows: 2 }),
    make(
      "div",
      { class: "answers" },
      make(
        "button",
        {
          type: "button",
          id: "yes",
          class: "yes",
          disabled: whyNot(card) !== "",
          onclick: act("approve"),
        },
        label,
      ),
      make("button", { type: "button", id: "no", class: "no", onclick: act("reject") }, "Reject"),
    ),
  );
  return box;
}

function allow(card) {
  if (cards[shown] !== card) return;
  const yes = document.getElementById("yes");
  if (yes) yes.disabled = whyNot(card) !== "";
  const why = document.getElementById("why");
  if (why) why.textContent = whyNot(card);
}

async function decide(card, word) {
  const buttons = document.querySelectorAll(".answers button");
  const reason = document.getElementById("reason").value.trim();
  if (word === "reject" && !reason) {
    say("Say why you reject it; the next draft learns from it.");
    return;
  }
  say("");
  for (const one of buttons) one.disabled = true;
  try {
    const result = await ask("tools/call", {
      name: "decide_approval",
      arguments: { approval_id: card.approval_id, decision: word, reason },
    });
    const words = (result.content || [])
      .filter((one) => one.type === "text")
      .map((one) => one.text)
      .join("\n");
    if (result.isError || !result.structuredContent)
      throw new Error(words || "The studio refused.");
    const { state, decided_by, note, votes } = result.structuredContent;
    Object.assign(card, { state, decided_by, note, votes: votes || card.votes });
    card.has_voted = state === "pending" && word === "approve";
    draw();
    // So that the model does not ask once more; it holds no text of the world.
    const told = `On the approval card the operator said ${word} to approval ${card.approval_id}; it is ${state} now.`;
    ask("ui/update-model-context", { content: [{ type: "text", text: told }] }).catch(() => {});
  } catch (error) {
    say(`Not recorded, as far as is known: ${error.message}`);
    for (const one of buttons) one.disabled = one.id === "yes" && whyNot(card) !== "";
  }
}

// -- The start --------------------------------------------------------------------------------

new ResizeObserver(() => {
  const { width, height } = document.documentElement.getBoundingClientRect();
  tell("ui/notifications/size-changed", { width: Math.ceil(width), height: Math.ceil(height) });
}).observe(document.documentElement);

ask("ui/initialize", {
  protocolVersion: "2026-01-26",
  appInfo: { name: "bookai-approval-card", version: "1" },
  appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
}).then(
  (answered) => {
    host = answered || {};
    dress(host.hostContext || {});
    tell("ui/notifications/initialized");
  },
  (error) => say(`This page needs a client that speaks MCP Apps. ${error.message}`),
);

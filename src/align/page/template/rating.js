// The page on which masks are rated. It keeps the answers in the browser and saves them as one file.
(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const study = JSON.parse(at("study").textContent);
  const form = at("answers");
  const fields = [...form.querySelectorAll("fieldset")];
  const questions = fields.map((field) => field.dataset.question);
  const PLACE = `align-rating-${study.study}`;
  let state = { rater: 0, answers: [] };
  let position = 0;
  let since = 0;

  // A browser may refuse to keep anything, for example in a private window.
  const stored = () => {
    try {
      return JSON.parse(localStorage.getItem(PLACE));
    } catch {
      return null;
    }
  };
  const keep = () => {
    try {
      localStorage.setItem(PLACE, JSON.stringify(state));
    } catch {
      at("no-store").hidden = false;
    }
  };

  const order = () => study.orders[(state.rater - 1) % study.orders.length];
  const show = (name) => ["start", "task", "end"].forEach((id) => (at(id).hidden = id !== name));
  const chosen = (name) => Number(new FormData(form).get(name) ?? 0);
  const firstOpen = () => fields.find((field) => !chosen(field.dataset.question));

  function mark() {
    for (const field of fields) field.classList.toggle("open", field === firstOpen());
    at("next").disabled = firstOpen() !== undefined;
  }

  function draw() {
    if (position >= order().length) {
      show("end");
      at("saved").textContent = "";
      at("end").querySelector("h2").focus();
      return;
    }
    const [item] = order()[position];
    const [image, mask] = study.masks[item];
    show("task");
    at("place").textContent = `Mask ${position + 1} of ${order().length}`;
    at("progress").max = order().length;
    at("progress").value = position;
    at("object").textContent = study.objects[image];
    at("image").src = study.images[image];
    at("mask").src = mask;
    at("back").disabled = position === 0;
    form.reset();
    const given = state.answers[position];
    if (given) for (const name of questions) form.elements[name].value = String(given[name]);
    since = performance.now();
    mark();
    at("place").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function answer() {
    const [item, again] = order()[position];
    const before = state.answers[position]?.seconds ?? 0;
    const seconds = Math.round(100 * before + (performance.now() - since) / 10) / 100;
    const values = Object.fromEntries(questions.map((name) => [name, chosen(name)]));
    state.answers[position] = { item, again, ...values, seconds };
    keep();
    position += 1;
    draw();
  }

  // CRC-32, as zlib computes it.
  function checksum(text) {
    let sum = ~0;
    for (const byte of new TextEncoder().encode(text)) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (~sum >>> 0).toString(16).padStart(8, "0");
  }

  function save() {
    const lines = state.answers.map(
      (given) => `${[Number(given.again), ...questions.map((name) => given[name])].join(",")},${given.item}`,
    );
    const text = [study.study, String(Number(study.trial)), String(state.rater), ...lines].join("\n");
    const content = { study: study.study, trial: study.trial, ...state, checksum: checksum(text) };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.download = `${study.trial ? "trial-" : ""}rater-${state.rater}.json`;
    link.click();
    at("saved").textContent = `Saved as ${link.download}, where this browser keeps downloads.`;
  }

  at("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    const old = stored();
    const rater = Number(at("rater").value);
    if (old?.answers.length && old.rater !== rater && !confirm(`This forgets the answers of rater ${old.rater}.`)) return;
    state = old?.rater === rater ? old : { rater, answers: [] };
    position = state.answers.length;
    keep();
    draw();
  });
  at("resume").addEventListener("click", () => {
    state = stored();
    position = state.answers.length;
    draw();
  });
  form.addEventListener("change", mark);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!firstOpen()) answer();
  });
  at("back").addEventListener("click", () => {
    position -= 1;
    draw();
  });
  at("review").addEventListener("click", () => {
    position = order().length - 1;
    draw();
  });
  at("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (at("task").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = document.activeElement?.closest?.("fieldset") ?? firstOpen();
    const option = field?.querySelector(`input[value="${event.key}"]`);
    if (option) {
      option.checked = true;
      document.activeElement?.blur();
      mark();
    } else if (event.key === "Enter" && !firstOpen() && document.activeElement !== at("back")) {
      event.preventDefault();
      answer();
    }
  });

  const old = stored();
  if (old?.answers.length) {
    at("resume").textContent = `Go on as rater ${old.rater}: ${old.answers.length} answered`;
    at("resume").hidden = false;
  }
})();

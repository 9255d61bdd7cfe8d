// The explorer of the results page. It filters the images of #explorer-data and draws a card for each.
(() => {
  "use strict";
  const store = document.getElementById("explorer-data");
  if (!store) return;
  const settings = JSON.parse(store.textContent);
  const [form, found, cards, dialog] = ["form", ".found", ".cards", "dialog"].map((name) =>
    document.querySelector(`#explorer ${name}`),
  );
  const ANY = "";
  const choice = {};

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };

  // A choice with a label. `options` are pairs of value and text. The old value stays where it still exists.
  const select = (name, label, options) => {
    const made = element("select", { name }, ...options.map(([value, text]) => element("option", { value }, text)));
    if (options.some(([value]) => value === choice[name])) made.value = choice[name];
    choice[name] = made.value;
    made.addEventListener("change", () => {
      choice[name] = made.value;
      if (name === "setting") drawFilters();
      drawCards();
    });
    return element("label", {}, label, made);
  };

  const current = () => settings[Number(choice.setting)];
  const distinct = (key) => [...new Set(current().images.map((image) => image[key]))];

  function drawFilters() {
    const places = settings.map((entry, n) => [String(n), `${entry.dataset}, ${entry.protocol}: ${entry.source}`]);
    const chooseSetting = select("setting", "Data set and source", places);
    const methods = Object.entries(current().methods);
    const two = [[ANY, "all methods"], ...methods];
    form.replaceChildren(
      chooseSetting,
      select("target", "Target domain", [[ANY, "all"], ...distinct("target").map((name) => [name, name])]),
      select("class", "Class", [[ANY, "all"], ...distinct("class").map((name) => [name, name])]),
      select("judged", "Predictions of", [[ANY, "any method"], ...methods]),
      select("right", "are", [[ANY, "right or wrong"], ["right", "right"], ["wrong", "wrong"]]),
      select("reason", "Drawn by", [[ANY, "any rule"], ...distinct("reason").map((name) => [name, name])]),
      select("first", "Show", two),
      select("second", "beside", [[ANY, "no other"], ...methods]),
    );
  }

  const matches = (image) => {
    const judged = choice.judged === ANY ? Object.values(image.methods) : [image.methods[choice.judged]];
    return (
      ["target", "class", "reason"].every((key) => choice[key] === ANY || image[key] === choice[key]) &&
      (choice.right === ANY || judged.some((said) => said.right === (choice.right === "right")))
    );
  };

  const shownMethods = () => {
    const all = Object.keys(current().methods);
    return choice.first === ANY ? all : all.filter((name) => [choice.first, choice.second].includes(name));
  };

  function enlarge(source, title) {
    dialog.lastElementChild.replaceChildren(element("img", { src: source, alt: title }), element("p", {}, title));
    dialog.showModal();
  }

  function panel(source, title, caption, isWrong = false, more = null) {
    const picture = source ? element("img", { src: source, alt: title, loading: "lazy" }) : element("span", { class: "flat" }, "flat map");
    const button = element("button", { type: "button", "aria-label": `Enlarge: ${title}` }, picture);
    button.addEventListener("click", () => source && enlarge(source, title));
    return element("figure", isWrong ? { class: "wrong" } : {}, button, element("figcaption", {}, ...caption, more));
  }

  function bars(probabilities) {
    const order = probabilities.map((p, n) => [p, n]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const cells = order.flatMap(([p, n]) => {
      const name = current().classes[n];
      return [
        element("span", {}, name),
        element("meter", { value: p, "aria-label": `Probability of ${name}` }),
        element("span", {}, p.toFixed(2)),
      ];
    });
    return element("div", { class: "bars" }, ...cells);
  }

  function card(image) {
    const panels = [panel(image.image, `Test image ${image.path}`, ["image"])];
    if (image.truth) panels.push(panel(image.truth, `True mask of ${image.path}`, ["true mask"]));
    for (const name of shownMethods()) {
      const said = image.methods[name];
      const title = current().methods[name];
      const predicted = current().classes[said.predicted];
      const verdict = element("span", { class: "said" }, `${said.right ? "✓" : "✗"} ${predicted}`);
      const caption = [element("b", {}, title), element("br"), verdict];
      panels.push(panel(said.map, `Map of ${title}: ${predicted}`, caption, !said.right, bars(said.probabilities)));
      if (said.mask) panels.push(panel(said.mask, `Mask of ${title}`, [`${title}: mask, area ${said.area.toFixed(2)}`]));
    }
    const heading = element("h3", {}, "Class ", element("b", {}, image.class), `, ${image.target} (${image.distribution}), ${image.reason}`);
    return element("li", {}, heading, element("div", { class: "panels" }, ...panels));
  }

  function drawCards() {
    const images = current().images.filter(matches);
    found.textContent = `${images.length} of ${current().images.length} images`;
    cards.replaceChildren(...images.map(card));
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  drawFilters();
  drawCards();
})();

// A link to a part opens it.
(() => {
  const open = () => {
    const part = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part && part.tagName === "DETAILS") part.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();

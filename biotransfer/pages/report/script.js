"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function button(text, act, label = text) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "tool";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  function save(content, name, type) {
    const link = document.createElement("a");
    link.href = typeof content === "string" ? URL.createObjectURL(new Blob([content], { type })) : content.href;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const plain = (cell) => cell.textContent.trim().replaceAll("\u2212", "-");
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  // Tables: sort by a column, keep rows that hold a word, download.
  function number(text) {
    const found = text.replace(/[\u2009\u202f\u00a0 ](?=\d{3}\b)/g, "").match(/^[<±]?\s*[+-]?\d[\d.]*(e-?\d+)?/);
    return found ? parseFloat(found[0].replace(/^[<±]\s*/, "")) : NaN;
  }

  function groups(body) {
    const found = [];
    for (const row of body.rows) {
      if (row.classList.contains("group")) found.push({ head: row, rows: [] });
      else {
        if (!found.length) found.push({ head: null, rows: [] });
        found.at(-1).rows.push(row);
      }
    }
    return found;
  }

  function sort(table, column, way) {
    const body = table.tBodies[0];
    for (const { head, rows } of groups(body)) {
      if (head) body.append(head);
      const values = new Map(rows.map((row) => [row, plain(row.cells[column] ?? row.cells[0])]));
      const numeric = rows.filter((row) => !isNaN(number(values.get(row)))).length > rows.length / 2;
      const order = [...rows].sort((one, other) => {
        const [a, b] = [values.get(one), values.get(other)];
        if (!numeric) return way * a.localeCompare(b, "en", { numeric: true });
        const [x, y] = [number(a), number(b)];
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
        return way * (x - y);
      });
      body.append(...order);
    }
    all("th[aria-sort]", table.tHead).forEach((th) => th.setAttribute("aria-sort", "none"));
    table.tHead.rows[0].cells[column].setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
  }

  function filter(table, wanted) {
    const word = wanted.trim().toLowerCase();
    for (const { head, rows } of groups(table.tBodies[0])) {
      const named = head && plain(head).toLowerCase().includes(word);
      for (const row of rows) row.hidden = !(named || row.textContent.toLowerCase().includes(word));
      if (head) head.hidden = rows.every((row) => row.hidden);
    }
  }

  function asCsv(table) {
    const lines = [["group", ...[...table.tHead.rows[0].cells].map(plain)]];
    for (const { head, rows } of groups(table.tBodies[0]))
      for (const row of rows) lines.push([head ? plain(head) : "", ...[...row.cells].map(plain)]);
    return lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n";
  }

  const place = (element) => element.closest("section")?.id ?? "table";

  all("table.grid").forEach((table, index) => {
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const press = document.createElement("button");
      press.type = "button";
      press.className = "sorts";
      press.append(...th.childNodes);
      th.append(press);
      th.setAttribute("aria-sort", "none");
      press.addEventListener("click", () => sort(table, column, th.getAttribute("aria-sort") === "ascending" ? -1 : 1));
    });
    const tools = document.createElement("div");
    tools.className = "tools";
    if (table.tBodies[0].rows.length > 8) {
      const box = document.createElement("input");
      box.type = "search";
      box.placeholder = "Filter rows";
      box.setAttribute("aria-label", `Filter rows: ${table.caption?.textContent.trim().slice(0, 60) ?? "table"}`);
      box.addEventListener("input", () => filter(table, box.value));
      tools.append(box);
    }
    const name = `${place(table)}-${index + 1}.csv`;
    tools.append(button("CSV", () => save(asCsv(table), name, "text/csv"), `Download ${name}`));
    table.closest(".scroll").after(tools);
  });

  // Figures: download as drawn, and what is drawn.
  const drawn = (svg) => {
    const copy = svg.cloneNode(true);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.removeAttribute("style");
    copy.setAttribute("font-family", "Arial, Helvetica, sans-serif");
    return new XMLSerializer().serializeToString(copy);
  };

  function asPng(svg, name) {
    const image = new Image();
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    image.onload = () => {
      const canvas = document.createElement("canvas");
      const scale = 300 / 72;
      canvas.width = width * scale;
      canvas.height = height * scale;
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      save({ href: canvas.toDataURL("image/png") }, name, "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn(svg))}`;
  }

  all("figure[data-name]").forEach((figure) => {
    const svg = figure.querySelector("svg");
    if (!svg) return;
    const name = figure.dataset.name;
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(button("SVG", () => save(drawn(svg), `${name}.svg`, "image/svg+xml"), `Download ${name}.svg`));
    tools.append(button("PNG", () => asPng(svg, `${name}.png`), `Download ${name}.png`));
    const data = JSON.parse(figure.querySelector('script[type="application/json"]')?.textContent || '""');
    if (data) tools.append(button("CSV", () => save(data, `${name}.csv`, "text/csv"), `Download ${name}.csv`));
    figure.append(tools);
  });

  // One person, or one arm, through all figures; what a mark says, under the pointer.
  const note = document.createElement("div");
  note.className = "note-at-pointer";
  note.hidden = true;
  note.setAttribute("aria-hidden", "true");
  document.body.append(note);
  let marked = [];
  const unmark = () => {
    marked.forEach((element) => element.classList.remove("marked"));
    document.body.classList.remove("marking");
    marked = [];
    note.hidden = true;
  };
  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("[data-is]");
    unmark();
    if (!element) return;
    marked = all(`[data-is="${CSS.escape(element.dataset.is)}"]`);
    marked.forEach((one) => one.classList.add("marked"));
    if (marked.length > 1 || element.dataset.is.startsWith("person:")) document.body.classList.add("marking");
    note.textContent = element.dataset.says ?? element.dataset.is.replace(/^[a-z]+:/, "").replaceAll("_", " ");
    note.hidden = false;
  });
  document.addEventListener("pointermove", (event) => {
    note.style.left = `${Math.min(event.clientX + 14, innerWidth - note.offsetWidth - 8)}px`;
    note.style.top = `${event.clientY + 16}px`;
  });

  all("[data-copies]").forEach((press) => {
    press.hidden = false;
    press.addEventListener("click", async () => {
      const source = document.getElementById(press.dataset.copies);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      press.textContent = "Copied";
    });
  });

  // A link to something folded away opens it; print shows everything.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((one) => (one.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((one) => (one.open = false)));

  all("section[id] > h2, section[id] h3[id]").forEach((heading) => {
    const target = heading.id || heading.parentElement.id;
    const link = document.createElement("a");
    link.className = "anchor";
    link.href = `#${target}`;
    link.textContent = "#";
    link.setAttribute("aria-label", `Link to ${heading.textContent.trim()}`);
    heading.append(link);
  });

  const links = new Map(all("nav a[href^='#']").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  all("section[id]").forEach((section) => seen.observe(section));
})();

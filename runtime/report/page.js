// Tips under the pointer and legends that turn lines on and off. The page shows everything without this.
(function () {
  "use strict";
  const svgNames = "http://www.w3.org/2000/svg";
  const tip = document.getElementById("tip");
  document.body.classList.add("scripted");

  // As Figure() in html.cpp writes it: unit 0 is a number, 1 a share, 2 seconds.
  function figure(value, unit) {
    const size = Math.abs(value);
    if (unit === 1) return (100 * value).toFixed(1) + " %";
    if (unit === 2) {
      if (size < 1) return Number((1000 * value).toPrecision(3)) + " ms";
      if (size < 60) return Number(value.toPrecision(3)) + " s";
      const whole = Math.floor(size);
      if (whole < 3600) return Math.floor(whole / 60) + " min " + String(whole % 60).padStart(2, "0") + " s";
      return Math.floor(whole / 3600) + " h " + String(Math.floor((whole % 3600) / 60)).padStart(2, "0") + " min";
    }
    if (size === 0) return "0";
    if (size >= 1e9 || size < 1e-3) return value.toExponential(2);
    if (size >= 1e6) return Number((value / 1e6).toPrecision(3)) + "M";
    if (size >= 1e4) return Number((value / 1e3).toPrecision(3)) + "k";
    if (size >= 100) return value.toFixed(0);
    return String(Number(value.toPrecision(3)));
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function place(x, y) {
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 16 + box.width > innerWidth ? x - 16 - box.width : x + 16;
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = Math.max(4, Math.min(y + 12, innerHeight - box.height - 4)) + "px";
  }

  function hide() {
    tip.hidden = true;
    for (const cross of document.querySelectorAll(".cross")) cross.replaceChildren();
  }

  function svgElement(name, attributes, className) {
    const made = document.createElementNS(svgNames, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (className) made.setAttribute("class", className);
    return made;
  }

  // Index of the value nearest to x in a rising list.
  function nearest(list, x) {
    let low = 0;
    let high = list.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] < x) low = middle; else high = middle;
    }
    return Math.abs(list[low] - x) <= Math.abs(list[high] - x) ? low : high;
  }

  function prepareChart(box) {
    const chart = JSON.parse(box.dataset.chart);
    const svg = box.querySelector("svg");
    const cross = svg.querySelector(".cross");
    const steps = [...new Set(chart.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    let current = -1;

    const across = (x) => chart.left + ((x - chart.x[0]) / (chart.x[1] - chart.x[0])) * (chart.right - chart.left);
    function up(y) {
      const share = chart.log
        ? Math.log(Math.max(y, 1e-12) / chart.y[0]) / Math.log(chart.y[1] / chart.y[0])
        : (y - chart.y[0]) / (chart.y[1] - chart.y[0]);
      return chart.bottom + Math.min(1, Math.max(0, share)) * (chart.top - chart.bottom);
    }
    function isOff(line) {
      const drawn = [...svg.querySelectorAll(".line")].find((group) => group.dataset.key === line.key);
      return drawn && drawn.classList.contains("off");
    }

    function show(index, clientX, clientY) {
      current = index;
      const x = steps[index];
      const at = across(x);
      cross.replaceChildren(svgElement("line", { x1: at, x2: at, y1: chart.top, y2: chart.bottom }));
      tip.replaceChildren(element("strong", "step " + Number(x.toFixed(1))));
      const gap = steps.length > 1 ? (chart.x[1] - chart.x[0]) / 20 : Infinity;
      for (const line of chart.lines) {
        if (isOff(line)) continue;
        const i = nearest(line.x, x);
        if (Math.abs(line.x[i] - x) > gap) continue;
        cross.append(svgElement("circle", { cx: across(line.x[i]), cy: up(line.y[i]), r: 3.5 }, line.colour));
        const row = element("div");
        row.append(element("i", undefined, "swatch " + line.colour), element("span", line.name));
        if (line.low) {
          const range = figure(line.low[i], chart.unit) + " \u2026 " + figure(line.high[i], chart.unit);
          row.append(element("small", range));
        } else if (line.raw) {
          row.append(element("small", "raw " + figure(line.raw[i], chart.unit)));
        }
        row.append(element("b", figure(line.y[i], chart.unit)));
        tip.append(row);
      }
      place(clientX, clientY);
    }

    svg.addEventListener("pointermove", (event) => {
      if (event.target.closest("[data-tip]")) return;
      const rect = svg.getBoundingClientRect();
      const inside = ((event.clientX - rect.left) / rect.width) * svg.viewBox.baseVal.width;
      const share = (inside - chart.left) / (chart.right - chart.left);
      if (share < -0.02 || share > 1.02) return hide();
      show(nearest(steps, chart.x[0] + share * (chart.x[1] - chart.x[0])), event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", hide);
    box.addEventListener("blur", hide);
    box.addEventListener("keydown", (event) => {
      if (event.target !== box) return;
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") hide();
      if (!move) return;
      event.preventDefault();
      const start = current < 0 ? (move > 0 ? -1 : steps.length) : current;
      const index = Math.min(steps.length - 1, Math.max(0, start + move));
      const rect = svg.getBoundingClientRect();
      show(index, rect.left + (across(steps[index]) / svg.viewBox.baseVal.width) * rect.width, rect.top + rect.height / 3);
    });
  }

  function showText(target, x, y) {
    tip.replaceChildren(element("span", target.dataset.tip));
    place(x, y);
  }

  function prepareTips() {
    for (const target of document.querySelectorAll("[data-tip]")) {
      target.setAttribute("aria-label", target.dataset.tip);
      for (const title of target.querySelectorAll("title")) title.remove();
    }
    document.addEventListener("pointermove", (event) => {
      const target = event.target.closest ? event.target.closest("[data-tip]") : null;
      if (target) showText(target, event.clientX, event.clientY);
    });
    document.addEventListener("pointerout", (event) => {
      if (event.target.closest && event.target.closest("[data-tip]")) hide();
    });
    document.addEventListener("focusin", (event) => {
      if (!event.target.dataset || !event.target.dataset.tip) return;
      const rect = event.target.getBoundingClientRect();
      showText(event.target, rect.right, rect.bottom);
    });
    document.addEventListener("focusout", hide);
    document.addEventListener("scroll", hide, { passive: true });
  }

  function prepareLegends() {
    document.addEventListener("click", (event) => {
      const button = event.target.closest(".keys button");
      if (!button) return;
      const isOff = button.getAttribute("aria-pressed") === "true";
      const ofPage = button.closest(".of-page");
      const scope = ofPage ? document : button.closest("figure") || button.closest(".scope") || document;
      for (const other of scope.querySelectorAll("[data-key]")) {
        if (other.dataset.key !== button.dataset.key) continue;
        if (other.tagName === "BUTTON") other.setAttribute("aria-pressed", String(!isOff));
        else other.classList.toggle("off", isOff);
      }
    });
    const raw = document.getElementById("raw");
    const apply = () => document.body.classList.toggle("no-raw", !raw.checked);
    raw.addEventListener("change", apply);
    apply();
  }

  document.querySelectorAll("figure[data-chart]").forEach(prepareChart);
  prepareTips();
  prepareLegends();
})();

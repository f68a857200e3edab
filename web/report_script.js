// Values under the pointer, and charts that zoom: wheel, drag, + - 0 and arrow keys.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

function show(event) {
  const title = event.target.querySelector && event.target.querySelector(":scope > title");
  tip.hidden = !title;
  if (!title) return;
  tip.textContent = title.textContent;
  const x = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 4);
  tip.style.left = x + "px";
  tip.style.top = Math.max(4, event.clientY - 34) + "px";
}

for (const chart of document.querySelectorAll("svg.chart")) {
  const whole = chart.viewBox.baseVal;
  const home = [whole.x, whole.y, whole.width, whole.height];
  let box = home.slice(), last = null;
  const set = next => {
    box = next[2] >= home[2] ? home.slice() : next;
    chart.setAttribute("viewBox", box.join(" "));
  };
  const zoom = (factor, fx = 0.5, fy = 0.5) => {
    const width = Math.max(home[2] / 40, box[2] * factor), height = width * home[3] / home[2];
    set([box[0] + (box[2] - width) * fx, box[1] + (box[3] - height) * fy, width, height]);
  };
  const pan = (dx, dy) => { if (box[2] < home[2]) set([box[0] + dx * box[2], box[1] + dy * box[3], box[2], box[3]]); };
  chart.tabIndex = 0;
  chart.addEventListener("pointermove", show);
  chart.addEventListener("pointerleave", () => { tip.hidden = true; });
  chart.addEventListener("wheel", e => {
    if (!e.ctrlKey && document.activeElement !== chart) return;  // a page that scrolls keeps scrolling
    e.preventDefault();
    const r = chart.getBoundingClientRect();
    zoom(e.deltaY < 0 ? 0.8 : 1.25, (e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height);
  }, { passive: false });
  chart.addEventListener("pointerdown", e => { last = [e.clientX, e.clientY]; chart.focus({ preventScroll: true }); });
  chart.addEventListener("pointermove", e => {
    if (!last || !e.buttons) return;
    const r = chart.getBoundingClientRect();
    pan((last[0] - e.clientX) / r.width, (last[1] - e.clientY) / r.height);
    last = [e.clientX, e.clientY];
  });
  chart.addEventListener("dblclick", () => set(home.slice()));
  chart.addEventListener("keydown", e => {
    const moves = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    if (e.key === "+" || e.key === "=") zoom(0.8);
    else if (e.key === "-") zoom(1.25);
    else if (e.key === "0" || e.key === "Escape") set(home.slice());
    else if (moves[e.key] && box[2] < home[2]) pan(...moves[e.key]);
    else return;
    e.preventDefault();
  });
}

// The server of a run shows its report beside the explorer.
const explorer = document.getElementById("explorer");
if (explorer && location.protocol.startsWith("http") && location.pathname.endsWith("/report")) {
  const link = Object.assign(document.createElement("a"), { href: "./", textContent: "Explore its codes" });
  explorer.replaceChildren(link);
}

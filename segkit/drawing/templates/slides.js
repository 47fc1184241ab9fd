/* The pictures lie in the page; the one in sight is the one that is not hidden. */
const box = document.querySelector(".slides");
if (box) {
  const all = [...box.querySelectorAll("img")], input = box.querySelector("input");
  const show = i => {
    all.forEach((one, k) => { one.hidden = k !== i; });
    input.value = i;
    input.setAttribute("aria-valuetext", all[i].alt);
    box.querySelector("output").textContent = all[i].alt;
  };
  const far = (k, n) => Math.abs(all[k].dataset.number - n);
  const near = n => all.reduce((best, _, k) => far(k, n) < far(best, n) ? k : best, 0);
  const go = () => {
    const asked = location.hash.match(/^#epoch=(\d+)$/);
    if (asked) show(near(+asked[1]));
  };
  input.addEventListener("input", () => show(+input.value));
  box.querySelectorAll("button").forEach(one =>
    one.addEventListener("click", () => show(near(+one.dataset.number))));
  addEventListener("hashchange", go);
  go();
}

/* What the pages share: elements of the document and of drawings, colours, numbers for people. */
const SVG = "http://www.w3.org/2000/svg";
const colours = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#9c755f", "#ff9da7", "#8c8c8c",
                 "#2f4b7c", "#a05195", "#d45087", "#665191", "#003f5c"];

function add(parent, name, attributes, text) {
  const svg = parent.namespaceURI === SVG || name === "svg";
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
}

const by_id = id => document.getElementById(id);
const milliseconds = x => x < 0.1 ? (1000 * x).toPrecision(3) + " µs" : x.toPrecision(3) + " ms";

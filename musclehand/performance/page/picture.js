"use strict";
// Draws piano, bones and muscles into a canvas, triangle by triangle, with a depth buffer.
// It needs no graphics card and no library. Lengths are in metres, x to the right of the player,
// y into the piano, z up.

const NOTHING = -32768;
const LIGHT = [-0.34, -0.49, 0.8];
const NEAR = 0.05;
const BONE = [226, 212, 186];
const GROUND = [35, 40, 46];
const HALF_FIELD = Math.tan((18 * Math.PI) / 180);
const MUSCLE_WIDTH = [0.0008, 0.0032];
const VIEWS = {
  player: { azimuth: 90, elevation: -42, depth: -0.02 },
  above: { azimuth: 90, elevation: -88, depth: -0.02 },
  left: { azimuth: 20, elevation: -20, depth: -0.02 },
  right: { azimuth: 160, elevation: -20, depth: -0.02 },
};
const BOX_FACES = [[0, 2, 6, 4], [1, 5, 7, 3], [0, 4, 5, 1], [2, 3, 7, 6], [0, 1, 3, 2], [4, 6, 7, 5]];
const BOX_NORMALS = [[0, 0, -1], [0, 0, 1], [0, -1, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0]];

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const shadeOf = (cosine) => 0.42 + 0.58 * Math.max(cosine, 0);

/** The array that `pack` of the page's maker has packed: {values, rows, columns, unit}. */
async function unpack({ rows, columns, unit, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = rows * columns;
  const values = new Int16Array(count);
  for (let column = 0, i = 0; column < columns; column++) {
    for (let row = 0, sum = 0; row < rows; row++, i++) {
      sum += planes[i] | (planes[count + i] << 8);
      values[row * columns + column] = sum;
    }
  }
  return { values, rows, columns, unit };
}

/** Pixels with depths. Corners are x, y [pixels], inverse depth and shade, at indices. */
class Raster {
  constructor(corners) {
    this.corners = new Float32Array(4 * corners);
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depth = new Float32Array(width * height);
  }

  clear([red, green, blue]) {
    this.pixels.fill(0xff000000 | (blue << 16) | (green << 8) | red);
    this.depth.fill(0);
  }

  /** Fills a triangle; one whose corners run counterclockwise on the screen, or any if `both`. */
  triangle(i, j, k, [red, green, blue], both) {
    const v = this.corners;
    const x0 = v[4 * i], y0 = v[4 * i + 1], d0 = v[4 * i + 2], s0 = v[4 * i + 3];
    const x1 = v[4 * j], y1 = v[4 * j + 1], d1 = v[4 * j + 2], s1 = v[4 * j + 3];
    const x2 = v[4 * k], y2 = v[4 * k + 1], d2 = v[4 * k + 2], s2 = v[4 * k + 3];
    if (d0 <= 0 || d1 <= 0 || d2 <= 0) return;
    const area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
    if (area === 0 || (area > 0 && !both)) return;
    const top = Math.max(0, Math.ceil(Math.min(y0, y1, y2) - 0.5));
    const bottom = Math.min(this.height - 1, Math.floor(Math.max(y0, y1, y2) - 0.5));
    const left = Math.max(0, Math.ceil(Math.min(x0, x1, x2) - 0.5));
    const right = Math.min(this.width - 1, Math.floor(Math.max(x0, x1, x2) - 0.5));
    if (top > bottom || left > right) return;
    const dx = ((d1 - d0) * (y2 - y0) - (d2 - d0) * (y1 - y0)) / area;
    const dy = ((d2 - d0) * (x1 - x0) - (d1 - d0) * (x2 - x0)) / area;
    const sx = ((s1 - s0) * (y2 - y0) - (s2 - s0) * (y1 - y0)) / area;
    const sy = ((s2 - s0) * (x1 - x0) - (s1 - s0) * (x2 - x0)) / area;
    for (let row = top; row <= bottom; row++) {
      const y = row + 0.5;
      // Where the edges that this row crosses meet it; Infinity for the one that it does not.
      const a = y0 <= y === y1 <= y ? Infinity : x0 + ((y - y0) / (y1 - y0)) * (x1 - x0);
      const b = y1 <= y === y2 <= y ? Infinity : x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
      const c = y2 <= y === y0 <= y ? Infinity : x2 + ((y - y2) / (y0 - y2)) * (x0 - x2);
      const from = Math.min(a, b, c);
      const to = a === Infinity ? Math.max(b, c) : b === Infinity ? Math.max(a, c) : Math.max(a, b);
      const first = Math.max(left, Math.ceil(from - 0.5));
      const last = Math.min(right, Math.ceil(to - 0.5) - 1);
      let d = d0 + dx * (first + 0.5 - x0) + dy * (y - y0);
      let s = s0 + sx * (first + 0.5 - x0) + sy * (y - y0);
      for (let at = row * this.width + first; at <= row * this.width + last; at++) {
        if (d > this.depth[at]) {
          this.depth[at] = d;
          this.pixels[at] = 0xff000000 | ((blue * s) << 16) | ((green * s) << 8) | (red * s);
        }
        d += dx;
        s += sx;
      }
    }
  }
}

/** A mesh with normals at its corners. */
class Mesh {
  constructor(body, vertices, faces) {
    this.body = body;
    this.places = Float32Array.from(vertices.values, (value) => value * vertices.unit);
    this.faces = Uint16Array.from(faces.values);
    this.normals = new Float32Array(this.places.length);
    const corner = (i) => this.places.subarray(3 * i, 3 * i + 3);
    for (let i = 0; i < this.faces.length; i += 3) {
      const [a, b, c] = this.faces.subarray(i, i + 3);
      const [p, q, r] = [a, b, c].map(corner);
      const edge = (u, w) => [w[0] - u[0], w[1] - u[1], w[2] - u[2]];
      const normal = cross(edge(p, q), edge(p, r));
      for (const at of [a, b, c]) for (let j = 0; j < 3; j++) this.normals[3 * at + j] += normal[j];
    }
    for (let i = 0; i < this.normals.length; i += 3) {
      const normal = this.normals.subarray(i, i + 3);
      const length = Math.hypot(...normal) || 1;
      for (let j = 0; j < 3; j++) normal[j] /= length;
    }
  }
}

/** The scene of a performance at any time, from any viewpoint. */
class Picture {
  constructor(canvas, data, arrays, meshes) {
    Object.assign(this, { canvas, data, arrays, meshes });
    this.context = canvas.getContext("2d");
    const corners = Math.max(16, ...meshes.map((mesh) => mesh.places.length / 3));
    this.raster = new Raster(corners);
    this.bodies = Array.from({ length: arrays.places.columns / 3 }, () => ({ p: [0, 0, 0], m: [] }));
    this.reach = this.findReach();
    this.zoom = 1;
    this.view("player");
  }

  static async make(canvas, data) {
    const names = ["places", "turns", "wraps", "activations", "angles"];
    const unpacked = await Promise.all(names.map((name) => unpack(data[name])));
    const arrays = Object.fromEntries(names.map((name, i) => [name, unpacked[i]]));
    const meshes = await Promise.all(data.bones.map(async ({ body, vertices, faces }) =>
      new Mesh(body, await unpack(vertices), await unpack(faces))));
    return new Picture(canvas, data, arrays, meshes);
  }

  view(name) {
    Object.assign(this, VIEWS[name]);
  }

  /** Lowest and highest x of hands, or of the keys that are played. */
  findReach() {
    const { values, columns, unit } = this.arrays.places;
    const xs = [];
    for (let row = 0; row < values.length; row += 10 * columns) {
      for (let i = row; i < row + columns; i += 3) xs.push(values[i] * unit);
    }
    for (const note of this.data.notes) xs.push(this.data.keys[note.pitch - 21].centre[0]);
    const low = xs.reduce((a, b) => Math.min(a, b), xs[0] ?? 0);
    const high = xs.reduce((a, b) => Math.max(a, b), xs[0] ?? 0);
    return [low - 0.04, high + 0.04];
  }

  /** Value of a packed array between two frames. */
  between(array, column, frame, share) {
    const at = frame * array.columns + column;
    const now = array.values[at];
    const next = share > 0 ? array.values[at + array.columns] : now;
    if (now === NOTHING || next === NOTHING) return (share < 0.5 ? now : next) * array.unit;
    return (now + share * (next - now)) * array.unit;
  }

  /** Sets bodies to a time [s] after the first frame. */
  pose(time) {
    const last = this.data.frames - 1;
    const exact = clamp(time * this.data.rate, 0, last);
    this.frame = Math.min(Math.floor(exact), last);
    this.share = exact - this.frame;
    const { places, turns } = this.arrays;
    this.bodies.forEach((body, i) => {
      body.p = [0, 1, 2].map((j) => this.between(places, 3 * i + j, this.frame, this.share));
      const q = [0, 1, 2, 3].map((j) => this.between(turns, 4 * i + j, this.frame, this.share));
      const length = Math.hypot(...q);
      const [w, x, y, z] = q.map((value) => value / length);
      body.m = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)];
    });
  }

  activation(muscle) {
    return this.between(this.arrays.activations, muscle, this.frame, this.share);
  }

  /** Places the camera so that the reach of the hands is in view. */
  aim() {
    const { width, height } = this.raster;
    const [low, high] = this.reach;
    const hands = this.bodies.map((body) => body.p[0]);
    const middle = (low + high) / 2;
    const mean = hands.length ? hands.reduce((a, b) => a + b) / hands.length : middle;
    const target = [middle + (1 - 1 / this.zoom) * (mean - middle), this.depth, 0];
    const [azimuth, elevation] = [this.azimuth, this.elevation].map((value) => (value * Math.PI) / 180);
    const ahead = [
      Math.cos(elevation) * Math.cos(azimuth),
      Math.cos(elevation) * Math.sin(azimuth),
      Math.sin(elevation)];
    const side = [Math.sin(azimuth), -Math.cos(azimuth), 0];
    const across = Math.max(Math.abs(side[0]) * (high - low), 0.42);
    const nearer = (Math.abs(side[1]) * (high - low)) / 2;
    const distance = (Math.max(across / (2 * HALF_FIELD * (width / height)), 0.14 / HALF_FIELD) + nearer) / this.zoom;
    this.camera = [side, cross(side, ahead), ahead];
    this.eye = target.map((value, i) => value - distance * ahead[i]);
    this.focal = height / 2 / HALF_FIELD;
  }

  /** Place [m] in the frame of the camera: right, up, ahead. */
  seen(p) {
    const q = [p[0] - this.eye[0], p[1] - this.eye[1], p[2] - this.eye[2]];
    return this.camera.map((axis) => dot(axis, q));
  }

  /** Puts a corner, seen from the camera, to an index of the raster's. */
  corner(i, [x, y, z], shade, nearer = 1) {
    const v = this.raster.corners;
    const scale = z > NEAR ? 1 / z : 0;
    v[4 * i] = this.raster.width / 2 + this.focal * x * scale;
    v[4 * i + 1] = this.raster.height / 2 - this.focal * y * scale;
    v[4 * i + 2] = scale * nearer;
    v[4 * i + 3] = shade;
  }

  /** Pixels of a place in the world; null behind the camera. */
  pixel(place) {
    const [x, y, z] = this.seen(place);
    if (z <= NEAR) return null;
    const scale = this.focal / z;
    return [this.raster.width / 2 + x * scale, this.raster.height / 2 - y * scale];
  }

  drawMesh({ body, places, normals, faces }) {
    const { p, m } = this.bodies[body];
    const origin = this.seen(p);
    const column = (j) => [m[j], m[3 + j], m[6 + j]];
    const turned = this.camera.map((axis) => [0, 1, 2].map((j) => dot(axis, column(j))));
    const light = [0, 1, 2].map((j) => dot(LIGHT, column(j)));
    const [[r0, r1, r2], [u0, u1, u2], [a0, a1, a2]] = turned;
    const corners = this.raster.corners;
    const [middle, centre] = [this.raster.width / 2, this.raster.height / 2];
    for (let i = 0; i < places.length; i += 3) {
      const x = places[i], y = places[i + 1], z = places[i + 2];
      const ahead = origin[2] + a0 * x + a1 * y + a2 * z;
      const scale = ahead > NEAR ? 1 / ahead : 0;
      const at = (4 * i) / 3;
      corners[at] = middle + this.focal * (origin[0] + r0 * x + r1 * y + r2 * z) * scale;
      corners[at + 1] = centre - this.focal * (origin[1] + u0 * x + u1 * y + u2 * z) * scale;
      corners[at + 2] = scale;
      corners[at + 3] = shadeOf(
        light[0] * normals[i] + light[1] * normals[i + 1] + light[2] * normals[i + 2]);
    }
    for (let i = 0; i < faces.length; i += 3) {
      this.raster.triangle(faces[i], faces[i + 1], faces[i + 2], BONE, false);
    }
  }

  /** Draws a box that is turned about an axis along x. */
  drawBox({ centre, half, hinge }, rgb, angle = 0) {
    const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
    const turn = ([x, y, z]) => [x, y * cosine - z * sine, y * sine + z * cosine];
    const corners = [];
    for (let i = 0; i < 8; i++) {
      const p = centre.map((value, j) => value + ((i >> (2 - j)) & 1 ? 1 : -1) * half[j]);
      if (!hinge) corners.push(this.seen(p));
      else corners.push(this.seen(turn(p.map((value, j) => value - hinge[j])).map((value, j) => value + hinge[j])));
    }
    BOX_FACES.forEach((face, side) => {
      const shade = shadeOf(dot(turn(BOX_NORMALS[side]), LIGHT));
      const polygon = clipNear(face.map((i) => corners[i]));
      polygon.forEach((place, i) => this.corner(i, place, shade));
      for (let i = 2; i < polygon.length; i++) this.raster.triangle(0, i - 1, i, rgb, false);
    });
  }

  /** Points of a muscle's branches in the world. */
  branches(muscle) {
    const { wraps } = this.arrays;
    const place = ({ p, m }, x, y, z) => [0, 3, 6].map((j) =>
      p[j / 3] + m[j] * x + m[j + 1] * y + m[j + 2] * z);
    return this.data.muscles[muscle].path.map((branch) => {
      const points = [];
      for (const [body, x, y, z] of branch) {
        if (y !== undefined) points.push(place(this.bodies[body], x, y, z));
        else {
          for (const end of [0, 3]) {
            const local = [0, 1, 2].map((j) => this.between(wraps, 6 * x + end + j, this.frame, this.share));
            if (local[0] > NOTHING * wraps.unit) points.push(place(this.bodies[body], ...local));
          }
        }
      }
      return points;
    });
  }

  drawMuscle(muscle, chosen) {
    const effort = Math.sqrt(clamp(this.activation(muscle), 0, 1));
    const { rest, active } = this.data.colours;
    const rgb = rest.map((value, i) => 255 * (value + effort * (active[i] - value)));
    const width = MUSCLE_WIDTH[0] + effort * (MUSCLE_WIDTH[1] - MUSCLE_WIDTH[0]) + (chosen ? 0.001 : 0);
    for (const branch of this.branches(muscle)) {
      const points = branch.map((point) => this.seen(point));
      for (let i = 1; i < points.length; i++) this.ribbon(points[i - 1], points[i], width, rgb);
    }
  }

  /** A strip that faces the camera. */
  ribbon(a, b, width, rgb) {
    if (a[2] <= NEAR || b[2] <= NEAR) return;
    const along = [b[0] / b[2] - a[0] / a[2], b[1] / b[2] - a[1] / a[2]];
    const length = Math.hypot(...along);
    if (length < 1e-6) return;
    const aside = [(-along[1] / length) * width / 2, (along[0] / length) * width / 2];
    const ends = [[a, 1], [a, -1], [b, 1], [b, -1]];
    ends.forEach(([[x, y, z], sign], i) =>
      this.corner(i, [x + sign * aside[0], y + sign * aside[1], z], sign > 0 ? 1 : 0.7, 1.004));
    this.raster.triangle(0, 1, 2, rgb, true);
    this.raster.triangle(1, 3, 2, rgb, true);
  }

  /** Draws a time [s] after the first frame; `keyColour` gives a key's colour, or null. */
  draw(time, keyColour, chosen) {
    this.pose(time);
    this.aim();
    this.raster.clear(GROUND);
    const { keys, case: parts, muscles } = this.data;
    for (const part of parts) this.drawBox(part, part.rgb.map((value) => 255 * value));
    keys.forEach((key, i) => {
      const angle = this.between(this.arrays.angles, i, this.frame, this.share);
      this.drawBox(key, keyColour(i) ?? key.rgb.map((value) => 255 * value), angle);
    });
    for (const mesh of this.meshes) this.drawMesh(mesh);
    muscles.forEach((_, i) => this.drawMuscle(i, chosen.has(i)));
    this.context.putImageData(this.raster.image, 0, 0);
  }

  resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.raster.resize(width, height);
  }
}

/** The part of a polygon that lies ahead of the camera. */
function clipNear(polygon) {
  const kept = [];
  polygon.forEach((b, i) => {
    const a = polygon[(i + polygon.length - 1) % polygon.length];
    const near = NEAR * 1.01;
    if (a[2] > near !== b[2] > near) {
      const share = (near - a[2]) / (b[2] - a[2]);
      kept.push(a.map((value, j) => value + share * (b[j] - value)));
    }
    if (b[2] > near) kept.push(b);
  });
  return kept;
}

/** Shows points.ply, which make-points.mjs wrote, with three.js. */
import { Color, PerspectiveCamera, Points, PointsMaterial, Scene, WebGLRenderer } from 'three'
import { OrbitControls } from 'three/addons/controls/OrbitControls.js'
import { PLYLoader } from 'three/addons/loaders/PLYLoader.js'

const renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true })
document.body.append(renderer.domElement)
const scene = new Scene()
scene.background = new Color('#101214')
const camera = new PerspectiveCamera(60, 1, 0.05, 100)

const geometry = await new PLYLoader().loadAsync('./points.ply')
const points = new Points(geometry, new PointsMaterial({ size: 0.015, vertexColors: true }))
points.scale.set(1, -1, -1) // the file has y down and z forward, three.js y up and z backward
scene.add(points)
geometry.computeBoundingBox()
const middle = (geometry.boundingBox.min.z + geometry.boundingBox.max.z) / 2

camera.position.set(0.2 * middle, 0.1 * middle, 0.1 * middle)
const controls = new OrbitControls(camera, renderer.domElement)
controls.target.set(0, 0, -middle)
controls.update()

function draw() {
  renderer.setSize(innerWidth, innerHeight)
  camera.aspect = innerWidth / innerHeight
  camera.updateProjectionMatrix()
  renderer.render(scene, camera)
  document.documentElement.dataset.points = String(geometry.getAttribute('position').count)
}
controls.addEventListener('change', draw)
addEventListener('resize', draw)
draw()

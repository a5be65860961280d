import LayerSpec
import Scheduling
import KernelEmission
import Foundation
let args = CommandLine.arguments
let target = try Target(named: args[1])
let dir = args[2]
var units: [KernelUnit] = []
for key in args[3...] {
  let parts = key.split(separator: "@")
  let spec = try SpecKey(parsing: String(parts[0])).spec
  let t0 = Date()
  var s = try plan(spec, target: target)
  if parts.count > 1 {
    var p = s.filterLanes
    for kv in parts[1].split(separator: ",") { let q = kv.split(separator: "="); let v = Int(q[1]) ?? 0
      switch q[0] { case "tw": p.tileWidth = v; case "th": p.tileHeight = v; case "v": p.vectors = v; case "m": p.mergesWidthPhases = v == 1
      case "fuse": p.fusion = q[1] == "tap" ? .tap : .row
      case "lr": p.listsRows = v == 1; case "br": p.blockRows = v; case "pf": p.prefetchesNextPlane = v == 1; case "u": p.unroll = v
      case "ws": p.order = v == 1 ? .weightStationary : .heightBlocked; case "g": p.channelsPerVector = v; default: break } }
    s = try plan(spec, target: target, decision: p)
  }
  let t1 = Date()
  let u = try KernelUnit(s)
  let t2 = Date()
  FileHandle.standardError.write("\(u.name) plan \(Int(t1.timeIntervalSince(t0)*1000)) ms render \(Int(t2.timeIntervalSince(t1)*1000)) ms \(u.source.text.split(separator: "\n").count) lines \(s.text) live \(s.liveRegisters) variants \(s.tilePlan.variants.count) items \(s.itemsPerSample) packed \(s.packedLayout.byteCount)\n".data(using: .utf8)!)
  units.append(u)
}
let ps = try PluginSource(units, templateDigest: { _ in "0" })
for f in ps.kernels + [ps.table] + ps.headers { try f.text.write(toFile: dir + "/" + f.fileName, atomically: true, encoding: .utf8) }

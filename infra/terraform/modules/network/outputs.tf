output "network" {
  description = "Id of the network."
  value       = google_compute_network.this.id
}

output "subnetwork" {
  description = "Id of the subnetwork."
  value       = google_compute_subnetwork.nodes.id
}

output "dataflow_subnetwork" {
  description = "The subnetwork as Dataflow takes it."
  value       = "regions/${var.region}/subnetworks/${var.name}-nodes"
}

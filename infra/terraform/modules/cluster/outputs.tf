output "name" {
  description = "Name of the cluster."
  value       = google_container_cluster.this.name
}

output "location" {
  description = "Region or zone of the cluster."
  value       = google_container_cluster.this.location
}

output "workload_pool" {
  description = "Identity pool of the cluster's pods; there once the cluster is."
  value       = google_container_cluster.this.workload_identity_config[0].workload_pool
}

output "node_account" {
  description = "Account of the nodes."
  value       = google_service_account.nodes.email
}

output "pools" {
  description = "The pools that are made, and how many nodes each may have."
  value = {
    for name, pool in google_container_node_pool.this : name => {
      min = pool.autoscaling[0].total_min_node_count
      max = pool.autoscaling[0].total_max_node_count
    }
  }
}

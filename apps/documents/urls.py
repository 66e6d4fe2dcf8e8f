from django.urls import path

from apps.documents import views

app_name = "documents"
urlpatterns = [
    path("", views.document_list, name="document-list"),
    path("states/", views.document_states, name="document-states"),
    path("<uuid:document_id>/chip/", views.document_chip, name="document-chip"),
    path("<uuid:document_id>/delete/", views.document_remove, name="document-delete"),
    path("<uuid:document_id>/content/", views.document_content, name="document-content"),
]
